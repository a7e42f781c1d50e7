/** The example of a loop that the agent drives, as a process beside the service: it paces itself, ends, and stays readable. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";
import { atEnd, eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../../examples/self-pacing/watch-parcel.mjs");
const PORT_LIMIT_MS = 30_000;

const Spent = z.looseObject({ runs: z.int(), usd: z.number(), tokens: z.int() });
const Job = z.looseObject({ id: z.string(), state: z.string(), spent: z.looseObject({ total: Spent }) });
const Run = z.looseObject({
  status: z.string(),
  started_at: z.string(),
  finished_at: z.string().optional(),
  next_at: z.string().optional(),
  output: z.string().optional(),
  unchanged: z.boolean().optional(),
  cost_usd: z.number().optional(),
});
type Run = z.infer<typeof Run>;

function startExample({ url, adminToken }: Reveille) {
  const child = spawn(process.execPath, [EXAMPLE], {
    env: { REVEILLE_URL: url, REVEILLE_TOKEN: adminToken },
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  return { ended: once(child, "exit").then(([code]) => code as number | null), printed: () => printed };
}

const theJob = async (reveille: Reveille): Promise<z.infer<typeof Job> | undefined> => {
  const listed = await (await reveille.api("/v1/jobs?name=Watch%20the%20parcel&state=active,finished")).json();
  return z.looseObject({ items: z.array(Job) }).parse(listed).items[0];
};
const runsOf = async (reveille: Reveille, id: string, query = ""): Promise<Run[]> => {
  const listed = await (await reveille.api(`/v1/jobs/${id}/runs${query}`)).json();
  return z
    .looseObject({ items: z.array(Run) })
    .parse(listed)
    .items.toReversed();
};

it("fires at the times that it asked for until it is done, and its results and costs stay readable", async () => {
  const reveille = await startReveille({ dataDir: await temporaryFolder() });
  const example = startExample(reveille);
  expect(await example.ended).toBe(0);
  expect(example.printed()).toBe(
    [
      "1. in the sorting centre: look again in 2s",
      "2. still in the sorting centre: look again in 2s",
      "3. out for delivery: look again in 1s",
      "4. delivered: done",
      "The job is finished: 4 runs, 3 with news, $0.048.\n",
    ].join("\n"),
  );
  const job = await theJob(reveille);
  expect(job).toMatchObject({ state: "finished", spent: { total: { runs: 4, usd: 0.048, tokens: 3_600 } } });
  const runs = await runsOf(reveille, job?.id ?? "");
  expect(runs.map(({ output }) => output)).toEqual([
    "in the sorting centre",
    "in the sorting centre",
    "out for delivery",
    "delivered",
  ]);
  for (const [index, run] of runs.entries()) {
    expect(run).toMatchObject({ status: "success", cost_usd: 0.012 });
    expect(run).not.toHaveProperty("control_error");
    const next = runs[index + 1];
    expect(run.next_at === undefined).toBe(next === undefined);
    if (run.next_at === undefined || next === undefined) continue;
    expect(Date.parse(next.started_at)).toBeGreaterThanOrEqual(Date.parse(run.next_at));
    expect(Date.parse(run.next_at) - Date.parse(run.finished_at ?? "")).toBe(index === 2 ? 1_000 : 2_000);
  }
  expect(await runsOf(reveille, job?.id ?? "", "?unchanged=false")).toHaveLength(3);
});

it("continues after a kill of the service between two fires, with all its costs kept", async () => {
  const dataDir = await temporaryFolder();
  const first = await startReveille({ dataDir });
  await first.api("/v1/agents/box", { method: "PUT", json: { delivery: "pull" } });
  const fields = { schedule: { in: "1s" }, pacing: { min: "1s", max: "1h" }, agent_id: "box" };
  const made = await first.api("/v1/jobs", { json: { name: "n", message: "m", ...fields } });
  const { id } = Job.parse(await made.json());
  const answer = async (reveille: Reveille, control: object): Promise<void> => {
    const claimed = await eventually(
      "the run was not offered",
      async () => {
        const got = await (await reveille.api("/v1/agents/box/claim", { json: { wait: "5s" } })).json();
        return z.looseObject({ items: z.array(z.looseObject({ data: z.unknown() })) }).parse(got).items[0];
      },
      PORT_LIMIT_MS,
    );
    const { run } = z.looseObject({ run: z.looseObject({ id: z.string() }) }).parse(claimed.data);
    const path = `/v1/jobs/${id}/runs/${run.id}/complete`;
    expect((await reveille.api(path, { json: { status: "success", control } })).status).toBe(200);
  };
  await answer(first, { next_in: "2s", cost_usd: 0.1 });
  await first.kill("SIGKILL");
  const second = await startReveille({ dataDir, port: first.port, env: { ADMIN_TOKEN: first.adminToken } });
  await answer(second, { done: true, cost_usd: 0.2 });
  const job = Job.parse(await (await second.api(`/v1/jobs/${id}`)).json());
  expect(job).toMatchObject({ state: "finished", spent: { total: { runs: 2, usd: 0.3 } } });
});
