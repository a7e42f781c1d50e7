/** The measures. Systems take turns within every round, so that a busy minute affects them all, and their order changes with each round. */
import { setTimeout as sleep } from "node:timers/promises";
import { fires, type Wake } from "./fires.ts";
import { newFolder, removeFolder } from "./folders.ts";
import { claims } from "./measures/claims.ts";
import { importJobs, list, runNow } from "./measures/reveille.ts";
import { create, warmUp } from "./measures/timed.ts";
import { IDLE_GAP_S, named } from "./names.ts";
import type { Results } from "./results.ts";
import type { Sink } from "./sink.ts";
import type { FansOut, Medium, Running, Startable, System } from "./systems/system.ts";

/** The parameters of every measure. */
export type Bench = {
  readonly results: Results;
  /** For measures that call the agent of one system at a time. */
  readonly sink: Sink;
  readonly systems: readonly System[];
  readonly rounds: number;
};

const WARM_UP_JOBS = 100;

/** Runs `measure` on each system alone, started again for each, round by round. */
async function alone<R extends Pick<Running, "stop">>(
  { systems, rounds, sink }: Pick<Bench, "rounds" | "sink"> & { readonly systems: readonly Startable<R>[] },
  medium: Medium,
  answer: string,
  measure: (running: R, system: Startable<R>) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const system of inTurn(systems, round)) {
      const dataDir = await newFolder(medium);
      const running = await system.start({ dataDir, agentUrl: sink.url(answer) });
      try {
        await measure(running, system);
      } finally {
        await running.stop();
        await removeFolder(dataDir);
      }
    }
  }
}

const inTurn = <S>(systems: readonly S[], round: number): readonly S[] =>
  round % 2 === 0 ? systems : systems.toReversed();

/** `jobs` creates over HTTP, sixteen at a time. */
export function creates(bench: Bench, medium: Medium, jobs: number): Promise<void> {
  return alone(bench, medium, "/ok", async (running, { name }) => {
    await warmUp(running, WARM_UP_JOBS);
    const { perSecond, p50Ms, p99Ms } = await create(running, jobs, Date.now() + 24 * 3_600_000, 0);
    bench.results.add(named.creates(medium), name, "per_second", perSecond);
    bench.results.add(named.createP50(medium), name, "ms", p50Ms);
    bench.results.add(named.createP99(medium), name, "ms", p99Ms);
  });
}

/** Time for a burst to pass before the next system's comes, in ms a job: less for the floor and Reveille alone. */
const BURST_MS_PER_JOB = { pair: 3, many: 6 } as const;

/** `jobs` jobs due at one instant, of one system after the other. */
export async function burst({ results, systems, rounds }: Bench, medium: Medium, jobs: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const wakes = await fires(inTurn(systems, round), {
      medium,
      jobs,
      gapMs: 0,
      offsetMs: 2_000 + jobs * (systems.length <= 2 ? BURST_MS_PER_JOB.pair : BURST_MS_PER_JOB.many),
    });
    for (const { name, lags, bytesPerJob } of wakes) {
      results.add(named.first(jobs, medium), name, "ms", lags.firstMs);
      results.add(named.burstP50(jobs, medium), name, "ms", lags.p50Ms);
      results.add(named.burstP99(jobs, medium), name, "ms", lags.p99Ms);
      results.add(named.burstRate(jobs, medium), name, "per_second", lags.firesPerSecond);
      results.add(named.notOnce(jobs), name, "count", lags.repeated);
      if (medium === "disk") results.add(named.bytes, name, "bytes", bytesPerJob);
    }
  }
}

/** 200 fires a second for `seconds`, of one system after the other. */
export async function steady({ results, systems, rounds }: Bench, seconds: number): Promise<void> {
  const able = systems.filter(({ wholeSeconds }) => wholeSeconds !== true);
  for (let round = 0; round < rounds; round++) {
    const wakes = await fires(inTurn(able, round), {
      medium: "disk",
      jobs: seconds * 200,
      gapMs: 5,
      offsetMs: (seconds + 4) * 1_000,
    });
    addLags(results, wakes, named.steadyP50, named.steadyP99);
  }
}

/**
 * Fires `jobs` jobs 300 ms apart, of all systems in the same minute. Each system's fires fall between the others', so that no two calls
 * coincide.
 */
export async function idle({ results, systems, rounds }: Bench, jobs: number): Promise<void> {
  const gapMs = IDLE_GAP_S * 1_000;
  const able = systems.filter(({ wholeSeconds }) => wholeSeconds !== true);
  for (let round = 0; round < rounds; round++) {
    const offsetMs = Math.round(gapMs / able.length);
    const wakes = await fires(inTurn(able, round), { medium: "disk", jobs, gapMs, offsetMs });
    addLags(results, wakes, named.idleP50(jobs), named.idleP99(jobs));
  }
}

function addLags(results: Results, wakes: readonly Wake[], p50: string, p99: string): void {
  for (const { name, lags } of wakes) {
    results.add(p50, name, "ms", lags.p50Ms);
    results.add(p99, name, "ms", lags.p99Ms);
  }
}

/** Calls run now `runs` times, one after the other. The floor has no such call. */
export function runsNow(bench: Bench, runs: number): Promise<void> {
  const ours = { ...bench, systems: bench.systems.filter(({ isReveille }) => isReveille === true) };
  return alone(ours, "disk", "/ok", async (running, { name }) => {
    await warmUp(running, 20);
    const { p50Ms, p99Ms } = await runNow(running, bench.sink, runs);
    bench.results.add(named.runNowP50, name, "ms", p50Ms);
    bench.results.add(named.runNowP99, name, "ms", p99Ms);
  });
}

/** Runs of an agent without an address, until it has claimed them. */
export function claimsNow(bench: Bench, runs: number): Promise<void> {
  const ours = { ...bench, systems: bench.systems.filter(({ isReveille }) => isReveille === true) };
  return alone(ours, "disk", "/ok", async (running, { name }) => {
    await warmUp(running, 20);
    const { p50Ms, p99Ms } = await claims(running, runs);
    bench.results.add(named.claimP50, name, "ms", p50Ms);
    bench.results.add(named.claimP99, name, "ms", p99Ms);
  });
}

/**
 * The list among ten thousand jobs, imported onto a RAM disk to save time, since the read rows are in memory either way. The import is not
 * measured, and `meanwhile` runs beside it.
 */
export function lists(bench: Bench, pages: number, meanwhile = async (): Promise<void> => {}): Promise<void> {
  const ours = { ...bench, systems: bench.systems.filter(({ isReveille }) => isReveille === true) };
  return alone(ours, "ram", "/ok", async (running, { name }) => {
    await Promise.all([importJobs(running, 10_000), meanwhile()]);
    const { newest, walk } = await list(running, pages);
    bench.results.add(named.listNewestP99, name, "ms", newest.p99Ms);
    bench.results.add(named.listWalkP50, name, "ms", walk.p50Ms);
    bench.results.add(named.listWalkP99, name, "ms", walk.p99Ms);
  });
}

/**
 * A call for each of ten thousand users, `concurrency` at a time, of every system that can and of `others`; each but the floor stores
 * every result.
 */
export function fanOuts(bench: Bench, concurrency: number, others: readonly Startable<FansOut>[] = []): Promise<void> {
  const users = 10_000;
  const systems: readonly Startable<Partial<FansOut> & Pick<FansOut, "stop">>[] = [...bench.systems, ...others];
  return alone({ ...bench, systems }, "disk", "/quiet", async ({ fanOut }, { name }) => {
    if (fanOut === undefined) return;
    bench.results.add(named.fanOut(concurrency), name, "per_second", await fanOut(users, concurrency));
    await sleep(200);
  });
}
