/** Measures of Reveille only: run now, the list among ten thousand jobs, the fan-out to ten thousand users. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { JOB_ID_BYTES, jobIdFromBytes } from "../../src/domain/job/job-id.ts";
import { api, USERS } from "../api.ts";
import { call, connect, encode, load } from "../load.ts";
import type { Sink } from "../sink.ts";
import { quantile } from "../stats.ts";
import { MESSAGE } from "../systems/system.ts";

/** Where it is reached. */
export type Door = { readonly port: number };

export type Latency = { readonly p50Ms: number; readonly p99Ms: number };

const JobAnswer = z.looseObject({ id: z.string() });
const RunAnswer = z.looseObject({ run_id: z.string() });
const Page = z.looseObject({ items: z.array(z.unknown()), next_cursor: z.string().optional() });
const FanOutAnswer = z.looseObject({ fan_out_id: z.string() });
const FanOutView = z.looseObject({ status: z.string(), finished_at: z.string().optional(), succeeded: z.number() });

const latency = (values: readonly number[]): Latency => ({
  p50Ms: quantile(values, 0.5),
  p99Ms: quantile(values, 0.99),
});

/** `runs` times, one after the other, over 20 jobs: from the request until the agent is called. */
export async function runNow(system: Door, sink: Sink, runs: number): Promise<Latency> {
  const jobs: string[] = [];
  for (let n = 0; n < 20; n++) {
    const body = { name: `now ${n}`, user_id: `now-${n}`, schedule: { every: "365d" }, message: MESSAGE };
    jobs.push(JobAnswer.parse(await json(system, "POST", "/v1/jobs", body)).id);
  }
  await sink.reset();
  const sentAt = new Map<string, number>();
  for (let n = 0; n < runs; n++) {
    const at = performance.timeOrigin + performance.now();
    const { run_id } = RunAnswer.parse(await json(system, "POST", `/v1/jobs/${jobs[n % jobs.length]}/run`));
    sentAt.set(run_id, at);
    // The next run of the same job is twenty further on: this one has ended by then.
    await sleep(5);
  }
  const arrivals = await sink.arrivals(runs, 30_000);
  return latency(arrivals.map(({ id, at }) => at - (sentAt.get(id) ?? Number.NaN)));
}

/** Lists of 50 by the operator, `lists` times the first page, and a walk through `lists` pages of jobs that have long been asleep. */
export async function list(system: Door, lists: number): Promise<{ readonly newest: Latency; readonly walk: Latency }> {
  const client = await connect(system.port);
  const timed = async (path: string) => {
    const bytes = encode(api("GET", path));
    const startedAt = performance.now();
    const reply = await client.send(bytes);
    const ms = performance.now() - startedAt;
    const page = Page.parse(JSON.parse(reply.body));
    if (page.items.length !== 50) throw new Error(`a page of 50 has ${page.items.length} jobs`);
    return { ms, next: page.next_cursor };
  };
  const walk: number[] = [];
  let cursor = "";
  for (let n = 0; n < lists; n++) {
    const page = await timed(`/v1/jobs?limit=50${cursor}`);
    walk.push(page.ms);
    if (page.next === undefined) break;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
  const newest: number[] = [];
  for (let n = 0; n < lists; n++) newest.push((await timed("/v1/jobs?limit=50")).ms);
  client.close();
  return { newest: latency(newest), walk: latency(walk) };
}

/** As many jobs as one import has room for. */
const JOBS_PER_IMPORT = 2_000;
const ImportAnswer = z.looseObject({ imported: z.number(), skipped: z.array(z.looseObject({ reason: z.string() })) });

/** Imports `jobs` jobs, each of another user in turn, due once a day. */
export async function importJobs(system: Door, jobs: number): Promise<void> {
  for (let from = 0; from < jobs; from += JOBS_PER_IMPORT) {
    const part = Array.from({ length: Math.min(JOBS_PER_IMPORT, jobs - from) }, (_, n) => ({
      id: jobIdFromBytes(crypto.getRandomValues(new Uint8Array(JOB_ID_BYTES))),
      // The mark by which an import recognises a job of Reveille.
      etag: "1",
      name: `daily ${from + n}`,
      user_id: `user-${(from + n) % USERS}`,
      schedule: { every: "24h" },
      message: MESSAGE,
    }));
    const { imported, skipped } = ImportAnswer.parse(await json(system, "POST", "/v1/import", part));
    if (imported !== part.length) throw new Error(`${part.length} jobs: ${imported} imported, ${skipped[0]?.reason}`);
  }
}

/** Makes the roster. */
export async function importUsers(system: Door, users: number): Promise<void> {
  const pages = Array.from({ length: users / 1_000 }, (_, page) =>
    api("POST", "/v1/users/import", { users: Array.from({ length: 1_000 }, (_, n) => `user-${page * 1_000 + n}`) }),
  );
  await load(system.port, 1, pages);
}

/** Runs a job for every user once: users a second from the request until the last result is stored. */
export async function fanOut(system: Door, users: number, concurrency: number): Promise<number> {
  const body = {
    name: `fan-out ${performance.now()}`,
    exec_scope: "all_users",
    schedule: { every: "365d" },
    message: "Summarise the week.",
    fan_out: { concurrency },
  };
  const { id } = JobAnswer.parse(await json(system, "POST", "/v1/jobs", body));
  const startedAt = Date.now();
  const { fan_out_id } = FanOutAnswer.parse(await json(system, "POST", `/v1/jobs/${id}/run`));
  for (;;) {
    // Polls are rare, since each asks every shard.
    await sleep(500);
    const view = FanOutView.parse(await json(system, "GET", `/v1/jobs/${id}/fan-outs/${fan_out_id}`));
    if (view.status === "running") continue;
    if (view.succeeded !== users) throw new Error(`the fan-out ended as ${JSON.stringify(view)}`);
    return (users / (Date.parse(view.finished_at ?? "") - startedAt)) * 1_000;
  }
}

/** The JSON that the API answers. Throws on anything but 2xx. */
export async function json(system: Door, method: string, path: string, body?: unknown): Promise<unknown> {
  const reply = await call(system.port, api(method, path, body));
  if (reply.status >= 300) throw new Error(`${method} ${path} was answered ${reply.status}: ${reply.body}`);
  return reply.body === "" ? undefined : JSON.parse(reply.body);
}
