/** `npm run bench -- --only <measure>`: one measure, quickly, Reveille beside the floor. It writes nothing. */
import { named } from "./names.ts";
import { type Bench, burst, claimsNow, creates, fanOuts, idle, lists, runsNow, steady } from "./plan.ts";
import type { Results } from "./results.ts";
import { signedFloor } from "./systems/floor.ts";

type Measure = {
  readonly what: string;
  /** `size` is the number of jobs, runs, pages or users of the measure. */
  readonly size: number;
  readonly rounds: number;
  run(bench: Bench, size: number): Promise<void>;
  /** What is printed, */
  shown(size: number): readonly string[];
  /** of whom, beside the systems that all measures have. */
  readonly also?: readonly string[];
};

const createsOn = (medium: "disk" | "ram", size: number): Measure => ({
  what: "creates over HTTP",
  size,
  rounds: 3,
  run: (bench, jobs) => creates(bench, medium, jobs),
  shown: () => [named.creates(medium), named.createP50(medium), named.createP99(medium)],
});

const burstOn = (medium: "disk" | "ram"): Measure => ({
  what: "jobs due at one instant",
  size: 1_000,
  rounds: 2,
  run: (bench, jobs) => burst(bench, medium, jobs),
  shown: (jobs) => [
    named.first(jobs, medium),
    named.burstP50(jobs, medium),
    named.burstP99(jobs, medium),
    named.notOnce(jobs),
  ],
});

export const MEASURES: Readonly<Record<string, Measure>> = {
  "creates-disk": createsOn("disk", 500),
  "creates-ram": createsOn("ram", 1_000),
  "burst-disk": burstOn("disk"),
  "burst-ram": burstOn("ram"),
  lag: {
    what: "fires 300 ms apart, of both systems at the same time; the whole bench takes 200",
    size: 60,
    rounds: 1,
    run: idle,
    shown: (jobs) => [named.idleP50(jobs), named.idleP99(jobs)],
  },
  "lag-200": {
    what: "seconds of 200 fires a second",
    size: 3,
    rounds: 1,
    run: steady,
    shown: () => [named.steadyP50, named.steadyP99],
  },
  "fan-out": {
    what: "calls at a time, for 10,000 users",
    size: 200,
    rounds: 3,
    run: (bench, concurrency) => fanOuts(bench, concurrency, [signedFloor]),
    shown: (concurrency) => [named.fanOut(concurrency)],
    also: [signedFloor.name],
  },
  "run-now": {
    what: "times run now, Reveille alone",
    size: 200,
    rounds: 3,
    run: runsNow,
    shown: () => [named.runNowP50, named.runNowP99],
  },
  claims: {
    what: "runs offered 10 ms apart to five sockets and five waiting calls, Reveille alone",
    size: 500,
    rounds: 3,
    run: claimsNow,
    shown: () => [named.claimP50, named.claimP99],
  },
  list: {
    what: "pages of 50 among 10,000 imported jobs, Reveille alone",
    size: 100,
    rounds: 1,
    run: lists,
    shown: () => [named.listNewestP99, named.listWalkP50, named.listWalkP99],
  },
};

/** Takes the measure and prints a row for each system, and how it compares with the first. */
export async function only(
  name: string,
  measure: Measure,
  results: Results,
  bench: Bench,
  size: number,
): Promise<string> {
  await measure.run(bench, size);
  const systems = [...bench.systems.map((system) => system.name), ...(measure.also ?? [])];
  const [first] = systems;
  const lines = measure
    .shown(size)
    .flatMap((shown) => [shown, ...systems.flatMap((system) => line(results, shown, system, first))]);
  return [`${name}: ${size} ${measure.what}, ${bench.rounds} rounds`, "", ...lines].join("\n");
}

function line(results: Results, measure: string, system: string, first: string | undefined): string[] {
  const cell = results.cell(measure, system);
  if (cell === "") return [];
  const ratio = first === undefined || first === system ? Number.NaN : results.ratio(measure, system, first);
  const compared = Number.isFinite(ratio) ? `  ${ratio.toFixed(2)} times ${first}` : "";
  return [`  ${system.padEnd(24)} ${cell}${compared}`];
}
