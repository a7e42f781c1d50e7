/** The calls of fan-out tests over HTTP, typed by the API's own schemas. */
import * as z from "zod";
import { FanOut } from "../../src/schema/fan-out.ts";
import { Job } from "../../src/schema/job.ts";
import { Run } from "../../src/schema/run.ts";
import { Advice } from "../../src/schema/warning.ts";
import { eventually, type Reveille } from "./harness/index.ts";

const Page = <S extends z.ZodType>(item: S) => z.object({ items: z.array(item), next_cursor: z.string().optional() });
const Runs = Page(Run);
const FanOuts = Page(FanOut);
/** The answer to a create also has advice. */
const MadeJob = z.strictObject({ ...Job.shape, ...Advice.shape });

/** Creates an all_users job that fires by itself in a year at the earliest. */
export async function makeAllUsersJob(reveille: Reveille, fields: Record<string, unknown> = {}): Promise<Job> {
  const json = {
    name: "to everybody",
    message: "hello",
    exec_scope: "all_users",
    schedule: { every: "365d" },
    ...fields,
  };
  const response = await reveille.api("/v1/jobs", { json });
  if (response.status !== 201) throw new Error(await response.text());
  return MadeJob.parse(await response.json());
}

export async function readJob(reveille: Reveille, id: string): Promise<Job> {
  return Job.parse(await (await reveille.api(`/v1/jobs/${id}`)).json());
}

/** Fires the job now; returns the fan-out's id. */
export async function fanOutNow(reveille: Reveille, jobId: string): Promise<string> {
  const response = await reveille.api(`/v1/jobs/${jobId}/run`, { method: "POST" });
  if (response.status !== 202) throw new Error(await response.text());
  return z.object({ fan_out_id: z.string() }).parse(await response.json()).fan_out_id;
}

export async function readFanOut(reveille: Reveille, jobId: string, id: string): Promise<FanOut> {
  const response = await reveille.api(`/v1/jobs/${jobId}/fan-outs/${id}`);
  if (response.status !== 200) throw new Error(await response.text());
  return FanOut.parse(await response.json());
}

export async function listFanOuts(reveille: Reveille, jobId: string): Promise<FanOut[]> {
  return FanOuts.parse(await (await reveille.api(`/v1/jobs/${jobId}/fan-outs`)).json()).items;
}

export function untilEnded(reveille: Reveille, jobId: string, id: string, limitMs = 15_000): Promise<FanOut> {
  let last: FanOut | undefined;
  return eventually(
    () => `the end of the fan-out; it is ${JSON.stringify(last)}\n${reveille.output()}`,
    async () => {
      last = await readFanOut(reveille, jobId, id);
      return last.status !== "running" && last;
    },
    limitMs,
  );
}

/** All matching runs, page by page, in the order of the API. */
export async function allRuns(reveille: Reveille, jobId: string, query: Record<string, string> = {}): Promise<Run[]> {
  const runs: Run[] = [];
  let cursor: string | undefined;
  do {
    const search = new URLSearchParams({ limit: "100", ...query, ...(cursor === undefined ? {} : { cursor }) });
    const response = await reveille.api(`/v1/jobs/${jobId}/runs?${search}`);
    if (response.status !== 200) throw new Error(await response.text());
    const page = Runs.parse(await response.json());
    runs.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return runs;
}

/** The Cron Trigger's tick of this time (epoch ms). */
export async function tickAt(reveille: Reveille, at: number): Promise<void> {
  const response = await reveille.api(`/cdn-cgi/local/scheduled?time=${at}`);
  if (response.status !== 200) throw new Error(await response.text());
}
