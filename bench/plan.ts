/** The measures in the order they are taken. Systems take turns within every round, so that a busy minute meets them all. */
import { setTimeout as sleep } from "node:timers/promises";
import { bytesOf, newFolder, removeFolder } from "./folders.ts";
import { call } from "./load.ts";
import { fanOut, importUsers, list, runNow } from "./measures/reveille.ts";
import { type CreateFigures, create, dueAfter, lag, warmUp } from "./measures/timed.ts";
import type { Results } from "./results.ts";
import type { Sink } from "./sink.ts";
import { reveille } from "./systems/reveille.ts";
import type { Medium, Running, System } from "./systems/system.ts";

const MEDIUM_NAMES: Readonly<Record<Medium, string>> = { disk: "on disk", ram: "on a RAM disk" };

/** Names of measures, as the report's rows bear them. */
export const named = {
  creates: (medium: Medium) => `creates over HTTP, ${MEDIUM_NAMES[medium]}`,
  createP50: (medium: Medium) => `create p50, ${MEDIUM_NAMES[medium]}`,
  createP99: (medium: Medium) => `create p99, ${MEDIUM_NAMES[medium]}`,
  bytes: "bytes on disk per job",
  first: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, first, ${MEDIUM_NAMES[medium]}`,
  burstP50: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, p50, ${MEDIUM_NAMES[medium]}`,
  burstP99: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, p99, ${MEDIUM_NAMES[medium]}`,
  burstRate: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, fires, ${MEDIUM_NAMES[medium]}`,
  notOnce: (jobs: number) => `${jobs.toLocaleString("en")} at one instant, jobs not fired exactly once`,
  idleP50: "idle lag p50, 200 fires over 60 s",
  idleP99: "idle lag p99, 200 fires over 60 s",
  steadyP50: "lag p50 at 200 fires/s",
  steadyP99: "lag p99 at 200 fires/s",
  runNowP50: "run now until the agent is called, p50",
  runNowP99: "run now until the agent is called, p99",
  listNewestP99: "list of the newest 50 among 10,000, p99",
  listWalkP50: "walk through 10,000 in pages of 50, a page, p50",
  listWalkP99: "walk through 10,000 in pages of 50, a page, p99",
  fanOut: (concurrency: number) => `fan-out of 10,000 users, ${concurrency} calls at a time`,
} as const;

const WARM_UP_JOBS = 100;
const ATTEMPTS = 3;
/** The calls of an attempt that was given up are over. */
const SETTLE_MS = 10_000;

async function withSystem<T>(
  system: System,
  medium: Medium,
  agentUrl: string,
  measure: (running: Running) => Promise<T>,
): Promise<T> {
  const dataDir = await newFolder(medium);
  const running = await system.start({ dataDir, agentUrl });
  try {
    return await measure(running);
  } finally {
    await running.stop();
    await removeFolder(dataDir);
  }
}

/** Makes `jobs` jobs before they are due; on a machine that is slower than its warm-up promised, for a later time. */
async function createInTime(
  running: Running,
  sink: Sink,
  jobs: number,
  gapMs: number,
): Promise<{ readonly created: CreateFigures; readonly dueAt: number }> {
  let perSecond = await warmUp(running, WARM_UP_JOBS);
  for (let attempt = 1; ; attempt++) {
    const dueAt = dueAfter(jobs, perSecond);
    await sink.reset();
    try {
      const created = await create(running, jobs, dueAt, gapMs);
      if (Date.now() < dueAt) return { created, dueAt };
    } catch (error) {
      // Reveille refuses a time that has passed meanwhile; any other refusal is one.
      if (Date.now() < dueAt) throw error;
    }
    if (attempt === ATTEMPTS) throw new Error(`${jobs} jobs could not be made before they were due`);
    await sleep(dueAt + jobs * gapMs - Date.now() + SETTLE_MS);
    perSecond /= 2;
  }
}

/** Makes `jobs` jobs for one instant and waits for them to fire. */
export async function burst(
  results: Results,
  sink: Sink,
  systems: readonly System[],
  options: { readonly jobs: number; readonly rounds: number; readonly medium: Medium; readonly reportCreates: boolean },
): Promise<void> {
  const { jobs, rounds, medium, reportCreates } = options;
  for (let round = 0; round < rounds; round++) {
    for (const system of systems) {
      await withSystem(system, medium, sink.url("/ok"), async (running) => {
        const { created, dueAt } = await createInTime(running, sink, jobs, 0);
        if (reportCreates) {
          results.add(named.creates(medium), system.name, "per_second", created.perSecond);
          results.add(named.createP50(medium), system.name, "ms", created.p50Ms);
          results.add(named.createP99(medium), system.name, "ms", created.p99Ms);
        }
        const lags = await lag(sink, jobs, dueAt);
        results.add(named.first(jobs, medium), system.name, "ms", lags.firstMs);
        results.add(named.burstP50(jobs, medium), system.name, "ms", lags.p50Ms);
        results.add(named.burstP99(jobs, medium), system.name, "ms", lags.p99Ms);
        results.add(named.burstRate(jobs, medium), system.name, "per_second", lags.firesPerSecond);
        results.add(named.notOnce(jobs), system.name, "count", lags.repeated);
      });
    }
  }
}

/** 200 fires a second for five seconds. */
export async function steady(results: Results, sink: Sink, systems: readonly System[], rounds: number): Promise<void> {
  const jobs = 1_000;
  const gapMs = 5;
  for (let round = 0; round < rounds; round++) {
    for (const system of systems) {
      await withSystem(system, "disk", sink.url("/ok"), async (running) => {
        const { dueAt } = await createInTime(running, sink, jobs, gapMs);
        const lags = await lag(sink, jobs, dueAt + jobs * gapMs);
        results.add(named.steadyP50, system.name, "ms", lags.p50Ms);
        results.add(named.steadyP99, system.name, "ms", lags.p99Ms);
      });
    }
  }
}

/** What 200 creates take at most. */
const MAKING_MS = 5_000;
/** An object that has been asleep for so long has closed its database, and taken its log of writes in. */
const ASLEEP_MS = 15_000;

/** 200 fires over a minute, of every system in the same minute, a tenth of a second apart: none of them notices the others. */
export async function idle(
  results: Results,
  startSink: () => Promise<Sink>,
  systems: readonly System[],
): Promise<void> {
  const jobs = 200;
  const gapMs = 300;
  const started = [];
  try {
    for (const system of systems) {
      const sink = await startSink();
      const dataDir = await newFolder("disk");
      started.push({ system, sink, dataDir, running: await system.start({ dataDir, agentUrl: sink.url("/ok") }) });
    }
    for (const { running } of started) await warmUp(running, 20);
    const bytesBefore = started.map(({ dataDir }) => bytesOf(dataDir));
    const firstDueAt = Date.now() + MAKING_MS * started.length + ASLEEP_MS;
    for (const [n, { running }] of started.entries()) {
      await create(running, jobs, firstDueAt + Math.round((n * gapMs) / started.length), gapMs);
    }
    await sleep(firstDueAt - Date.now() - 1_000);
    if (Date.now() > firstDueAt) throw new Error("The jobs were not made in time");
    for (const [n, { system, dataDir }] of started.entries()) {
      results.add(named.bytes, system.name, "bytes", (bytesOf(dataDir) - (bytesBefore[n] ?? 0)) / jobs);
    }
    for (const { system, sink } of started) {
      const lags = await lag(sink, jobs, firstDueAt + jobs * gapMs);
      results.add(named.idleP50, system.name, "ms", lags.p50Ms);
      results.add(named.idleP99, system.name, "ms", lags.p99Ms);
    }
  } finally {
    for (const { running, sink, dataDir } of started) {
      await running.stop();
      await sink.stop();
      await removeFolder(dataDir);
    }
  }
}

/** Run now on disk; the list among ten thousand jobs, made on a RAM disk to save time: what is read is in memory either way. */
export async function ownCalls(results: Results, sink: Sink): Promise<void> {
  const system = reveille("miniflare");
  await withSystem(system, "disk", sink.url("/ok"), async (running) => {
    await warmUp(running, 20);
    const { p50Ms, p99Ms } = await runNow(running, sink, 200);
    results.add(named.runNowP50, system.name, "ms", p50Ms);
    results.add(named.runNowP99, system.name, "ms", p99Ms);
  });
  await withSystem(system, "ram", sink.url("/ok"), async (running) => {
    await create(running, 10_000, Date.now() + 24 * 3_600_000, 0);
    const { newest, walk } = await list(running, 100);
    results.add(named.listNewestP99, system.name, "ms", newest.p99Ms);
    results.add(named.listWalkP50, system.name, "ms", walk.p50Ms);
    results.add(named.listWalkP99, system.name, "ms", walk.p99Ms);
  });
}

/** A fan-out of ten thousand users, each with a stored result; beside it a queue with as many workers, where there is one. */
export async function fanOuts(results: Results, sink: Sink, rounds: number, peer: System | undefined): Promise<void> {
  const users = 10_000;
  const ours = reveille("miniflare");
  for (let round = 0; round < rounds; round++) {
    await withSystem(ours, "disk", sink.url("/quiet"), async (running) => {
      await importUsers(running, users);
      for (const concurrency of [50, 200]) {
        const { perSecond } = await fanOut(running, users, concurrency);
        results.add(named.fanOut(concurrency), ours.name, "per_second", perSecond);
        await sleep(500);
      }
    });
    if (peer === undefined) continue;
    await withSystem(peer, "disk", sink.url("/quiet"), async (running) => {
      const startedAt = Date.now();
      const reply = await call(running.port, { method: "POST", path: "/fan-out", body: JSON.stringify({ users }) });
      if (reply.status !== 200) throw new Error(`the fan-out was answered ${reply.status}: ${reply.body}`);
      const perSecond = (users / (Date.now() - startedAt)) * 1_000;
      results.add(named.fanOut(200), peer.name, "per_second", perSecond);
    });
  }
}
