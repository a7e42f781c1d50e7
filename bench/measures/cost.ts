/** The units that Cloudflare bills: rows, object calls and awake time, counted in the Worker (`workers/counting.ts`). */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { api } from "../api.ts";
import { type Bundle, bundleReveille, bundleWorker } from "../build.ts";
import { call, load } from "../load.ts";
import { type Sink, startSink } from "../sink.ts";
import { median, quantile } from "../stats.ts";
import { SETTINGS } from "../systems/reveille.ts";
import { MESSAGE } from "../systems/system.ts";
import { type Mode, type Served, serve } from "../systems/worker.ts";
import { fanOut, importUsers } from "./reveille.ts";

const CountsAnswer = z.object({
  rowsRead: z.number(),
  rowsWritten: z.number(),
  alarmsSet: z.number(),
  calls: z.record(z.string(), z.number()),
  awakeMs: z.array(z.number()),
});

/** The cost per create, fire or user. `rowsWritten` includes the alarm's row. */
export type Cost = {
  readonly rowsWritten: number;
  readonly rowsRead: number;
  /** Calls of objects, alarms among them; by class and method in `calls`. */
  readonly objectCalls: number;
  readonly calls: Readonly<Record<string, number>>;
  /** How long an alarm keeps its object awake. */
  readonly awakeMs: { readonly p50: number; readonly p99: number };
};

export type Counted = Served & {
  /** Runs `act`, which does an action `times` times, and returns the cost of one. */
  cost(times: number, act: () => Promise<void>): Promise<Cost>;
};

/** Reveille with counting, which calls `agentUrl`. It runs in a bare workerd, since the counts do not depend on it. */
export async function countedReveille(dataDir: string, agentUrl: string): Promise<Counted> {
  const bundle = await bundleReveille("bench/workers/counted-reveille.ts");
  return counted(bundle, { ...SETTINGS, AGENT_URL: agentUrl, LOCAL: "true" }, dataDir, "workerd");
}

/** The floor or the Agents SDK, counted. */
export async function countedWorker(
  file: string,
  className: string,
  flags: readonly string[],
  dataDir: string,
  agentUrl: string,
): Promise<Counted> {
  // A bare workerd lacks what the Agents SDK imports; the counts are the same.
  return counted(await bundleWorker(file, className, flags), { AGENT_URL: agentUrl }, dataDir, "miniflare");
}

async function counted(
  bundle: Bundle,
  bindings: Readonly<Record<string, string>>,
  dataDir: string,
  mode: Mode,
): Promise<Counted> {
  const worker = { ...bundle, objects: { ...bundle.objects, PROBE: "Probe" }, bindings };
  const server = await serve(mode, worker, dataDir);
  const ask = (what: string) => call(server.port, { method: "GET", path: `/bench/${what}` });
  await ask("install");
  return {
    ...server,
    async cost(times, act) {
      await ask("reset");
      await act();
      const counts = CountsAnswer.parse(JSON.parse((await ask("counts")).body));
      const calls = Object.entries(counts.calls).map(([name, count]) => [name, count / times] as const);
      return {
        rowsWritten: (counts.rowsWritten + counts.alarmsSet) / times,
        rowsRead: counts.rowsRead / times,
        objectCalls: calls.reduce((sum, [, count]) => sum + count, 0),
        calls: Object.fromEntries(calls),
        awakeMs: { p50: median(counts.awakeMs), p99: quantile(counts.awakeMs, 0.99) },
      };
    },
  };
}

export type CostFigures = {
  readonly create: Cost;
  readonly at: Cost;
  readonly every: Cost;
  readonly slow: Cost;
  readonly accepted: Cost;
  readonly completed: Cost;
  readonly fanOutUser: Cost;
};

const JOBS = 20;
const FIRES = 5;
const USERS = 10_000;

const Runs = z.looseObject({ items: z.array(z.looseObject({ id: z.string(), status: z.string() })) });

/** Every cost of Reveille. Actions that wait for agents run at the same time, and the fan-out after them. `folder` makes an empty folder. */
export async function reveilleCosts(folder: () => Promise<string>): Promise<CostFigures> {
  const [quick, slow, later] = await Promise.all([
    withReveille(folder, "/ok", async (server, sink) => {
      await makeJobs(server, "warm", { every: "365d" });
      const create = await server.cost(JOBS, async () => {
        await makeJobs(server, "create", { every: "365d" });
      });
      const dueAt = new Date(Date.now() + 1_500).toISOString();
      await makeJobs(server, "at", { at: dueAt });
      await sink.reset();
      const at = await server.cost(JOBS, () => settled(sink, JOBS));
      const every = await firesOf(server, sink);
      return { create, at, every };
    }),
    withReveille(folder, "/after/50", firesOf),
    withReveille(folder, "/202", acceptedAndCompleted),
  ]);
  const fanOutUser = await withReveille(folder, "/quiet", async (server) => {
    await importUsers(server, USERS);
    return server.cost(USERS, async () => {
      await fanOut(server, USERS, 50);
    });
  });
  return { ...quick, slow, ...later, fanOutUser };
}

async function withReveille<T>(
  folder: () => Promise<string>,
  answer: string,
  measure: (server: Counted, sink: Sink) => Promise<T>,
): Promise<T> {
  const sink = await startSink();
  const server = await countedReveille(await folder(), sink.url(answer));
  try {
    return await measure(server, sink);
  } finally {
    await server.stop();
    await sink.stop();
  }
}

/** The cost of one fire in the middle of a job's life, by jobs that fire every second, five times each. */
async function firesOf(server: Counted, sink: Sink): Promise<Cost> {
  await makeJobs(server, "every", { every: "1s" });
  // The first fire creates the log's rows. The later ones are like all others.
  await sleep(1_500);
  await sink.reset();
  let fires = 0;
  const total = await server.cost(1, async () => {
    await sleep(FIRES * 1_000);
    fires = (await sink.arrivals(1, 1_000, 0)).length;
  });
  const share = (value: number): number => value / fires;
  return {
    rowsWritten: share(total.rowsWritten),
    rowsRead: share(total.rowsRead),
    objectCalls: share(total.objectCalls),
    calls: Object.fromEntries(Object.entries(total.calls).map(([name, count]) => [name, share(count)])),
    awakeMs: total.awakeMs,
  };
}

async function acceptedAndCompleted(server: Counted, sink: Sink): Promise<{ accepted: Cost; completed: Cost }> {
  // One fire each, and time to complete it before the next.
  const ids = await makeJobs(server, "later", { every: "10s" });
  await sink.reset();
  const accepted = await server.cost(JOBS, () => settled(sink, JOBS));
  const requests = await Promise.all(
    ids.map(async (id) => {
      const { items } = Runs.parse(JSON.parse((await call(server.port, api("GET", `/v1/jobs/${id}/runs`))).body));
      const body = { status: "success", output: "done" };
      return api("POST", `/v1/jobs/${id}/runs/${items[0]?.id}/complete`, body);
    }),
  );
  const completed = await server.cost(JOBS, async () => {
    await load(server.port, 1, requests);
    await sleep(500);
  });
  return { accepted, completed };
}

/** Waits until all calls have come and everything after them is written. */
async function settled(sink: Sink, count: number): Promise<void> {
  await sink.arrivals(count, 20_000, 1_000);
}

const JobAnswer = z.looseObject({ id: z.string() });

async function makeJobs(server: Served, name: string, schedule: Readonly<Record<string, string>>): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < JOBS; n++) {
    const body = { name: `${name} ${n}`, user_id: `user-${n}`, schedule, message: MESSAGE };
    const reply = await call(server.port, api("POST", "/v1/jobs", body));
    ids.push(JobAnswer.parse(JSON.parse(reply.body)).id);
  }
  return ids;
}

/** Creates and fires of a worker that takes `{at, message}`: the floor and the Agents SDK. */
export async function simpleCosts(
  server: Counted,
  sink: Sink,
): Promise<{ readonly create: Cost; readonly fire: Cost }> {
  const make = async (dueAt: number): Promise<void> => {
    const request = { method: "POST", path: "/jobs", body: JSON.stringify({ at: dueAt, message: MESSAGE }) };
    await load(
      server.port,
      1,
      Array.from({ length: JOBS }, () => request),
    );
  };
  await make(Date.now() + 3_600_000);
  const create = await server.cost(JOBS, () => make(Date.now() + 3_600_000));
  await make(Date.now() + 2_000);
  await sink.reset();
  const fire = await server.cost(JOBS, () => settled(sink, JOBS));
  return { create, fire };
}
