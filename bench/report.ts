/** `bench/RESULTS.md`, made from the measures. */
import { dollarsPerMillion } from "./bill.ts";
import type { Cost, CostFigures } from "./measures/cost.ts";
import { named } from "./names.ts";
import { format, type Results, table, type Unit } from "./results.ts";
import { agentsSdk } from "./systems/agents-sdk.ts";
import { floor, signedFloor } from "./systems/floor.ts";
import { bullmq, pgBoss } from "./systems/queues.ts";
import { reveille } from "./systems/reveille.ts";
import type { Medium } from "./systems/system.ts";

export type Costs = {
  readonly reveille: CostFigures;
  readonly others: readonly { readonly name: string; readonly create: Cost; readonly fire: Cost }[];
};

const OURS = { bare: reveille("workerd").name, mini: reveille("miniflare").name };
const FLOOR = { bare: floor("workerd").name, mini: floor("miniflare").name };
/** Compared side by side, each with a column of its own. */
const RATIOS = [
  { of: OURS.bare, to: FLOOR.bare, title: "Reveille / floor (workerd)" },
  { of: OURS.mini, to: FLOOR.mini, title: "Reveille / floor (miniflare)" },
  { of: OURS.bare, to: signedFloor.name, title: "Reveille / signed floor (workerd)" },
];
const SYSTEMS = [
  FLOOR.bare,
  signedFloor.name,
  OURS.bare,
  FLOOR.mini,
  OURS.mini,
  agentsSdk.name,
  bullmq.name,
  pgBoss.name,
];

/** The whole report; `head` is about the machine and the run. */
export function report(results: Results, costs: Costs, head: readonly string[]): string {
  const media: readonly Medium[] = ["disk", "ram"];
  const parts: readonly (readonly string[])[] = [
    ["# Results", "", ...head],
    ["## Against the goals", "", ...goals(results, costs)],
    ...outOfReach(results),
    ["## Creates", "", ...results.table([...media.flatMap(creates), named.bytes], SYSTEMS, RATIOS)],
    [
      "## Lag",
      "",
      ...results.table([named.idleP50(200), named.idleP99(200), named.steadyP50, named.steadyP99], SYSTEMS, RATIOS),
    ],
    ["## Bursts", "", ...results.table(bursts(), SYSTEMS, RATIOS)],
    ["## Calls and fan-out", "", ...results.table(ownCalls(), SYSTEMS, RATIOS)],
    ["## What is billed", "", ...billed(costs), "", ...bill(costs.reveille)],
  ];
  return `${parts.map((part) => part.join("\n")).join("\n\n")}\n`;
}

/** The measures in which a queue in memory is faster than commits of each job, and the benefit of these commits. */
function outOfReach(results: Results): readonly (readonly string[])[] {
  const times = (measure: string, faster: string, slower: string): string =>
    `${(results.median(measure, faster) / results.median(measure, slower)).toFixed(0)} times`;
  if (results.values(named.creates("disk"), bullmq.name).length === 0) return [];
  const burst = named.burstP99(1_000, "disk");
  const ofBullmq = (concurrency: number): string =>
    `${results.ratio(named.fanOut(concurrency), signedFloor.name, bullmq.name).toFixed(2)} times as many`;
  const full = results.values(named.fanOut(200), bullmq.name).length > 0;
  return [
    [
      "## Out of reach",
      "",
      `BullMQ creates ${times(named.creates("disk"), bullmq.name, OURS.bare)} as many jobs a second as Reveille on the same disk, and calls the last of 1,000 jobs`,
      `that are due at one instant ${times(burst, OURS.bare, bullmq.name)} as early. One object a job with an fsync for each cannot come near: Redis answers`,
      "before anything is on disk, and when the machine stops, up to a second of the jobs that it has acknowledged is lost. What the",
      "fsyncs buy: a job that was acknowledged is never lost, each has a log of its own that says what became of every run, one job's",
      "trouble is no other job's, and there is no server to run, to size or to fail over.",
      "",
      "A fan-out is bounded by the one thread that runs all JavaScript here. The signed floor does nothing but what docs/contract.md asks of each",
      `call (token, signature, headers, body) and store a row: it makes ${ofBullmq(50)} calls as BullMQ, which signs none, with 50 at`,
      `a time${full ? `, and ${ofBullmq(200)} with 200` : ""}.`,
    ],
  ];
}

const creates = (medium: Medium) => [named.creates(medium), named.createP50(medium), named.createP99(medium)];

const bursts = () => [
  ...[1_000, 5_000].flatMap((jobs) => [
    ...(["disk", "ram"] as const).flatMap((medium) => [
      named.first(jobs, medium),
      named.burstP50(jobs, medium),
      named.burstP99(jobs, medium),
      named.burstRate(jobs, medium),
    ]),
    named.notOnce(jobs),
  ]),
];

const ownCalls = () => [
  named.runNowP50,
  named.runNowP99,
  named.listNewestP99,
  named.listWalkP50,
  named.listWalkP99,
  named.fanOut(50),
  named.fanOut(200),
];

type Goal = readonly [what: string, measured: number, goal: number, best: "most" | "least", shown: string];

/** The goals of the project, one per row, without those that have no figure in this run. */
function goals(results: Results, { reveille: costs }: Costs): string[] {
  const ratio = (
    what: string,
    measure: string,
    ours: string,
    other: string,
    goal: number,
    best: "most" | "least",
  ): Goal => {
    const value = results.ratio(measure, ours, other);
    return [`${what}, ${ours} against ${other}`, value, goal, best, `${value.toFixed(2)} times`];
  };
  const toFloor = (what: string, measure: string, goal: number, best: "most" | "least"): Goal[] => [
    ratio(what, measure, OURS.bare, FLOOR.bare, goal, best),
    ratio(what, measure, OURS.mini, FLOOR.mini, goal, best),
  ];
  const limit = (what: string, value: number, goal: number, shown: string): Goal => [what, value, goal, "least", shown];
  const limits = (measure: string, goal: number, unit: Unit): Goal[] =>
    [OURS.bare, OURS.mini].map((ours) => {
      const value = results.median(measure, ours);
      return limit(`${measure}, ${ours}`, value, goal, format(value, unit));
    });
  const count = (what: string, value: number, goal: number): Goal => limit(what, value, goal, format(value, "count"));
  const burst = (medium: Medium): string => named.burstP99(1_000, medium);
  const rows: readonly Goal[] = [
    ...toFloor("creates on disk", named.creates("disk"), 0.8, "most"),
    ratio("creates on disk", named.creates("disk"), OURS.mini, agentsSdk.name, 2.5, "most"),
    ...toFloor("creates on a RAM disk", named.creates("ram"), 0.65, "most"),
    ratio("creates on a RAM disk", named.creates("ram"), OURS.mini, agentsSdk.name, 2.5, "most"),
    count("rows written by a create", costs.create.rowsWritten, 8),
    ...limits(named.bytes, 32_000, "bytes"),
    ...limits(named.idleP99(200), 10, "ms"),
    ...limits(named.steadyP99, 100, "ms"),
    ...toFloor("1,000 at one instant on disk, p99", burst("disk"), 1.25, "least"),
    ratio("1,000 at one instant on disk, p99", burst("disk"), OURS.mini, agentsSdk.name, 0.4, "least"),
    ...toFloor("1,000 at one instant on a RAM disk, p99", burst("ram"), 1.25, "least"),
    ratio("1,000 at one instant on a RAM disk, p99", burst("ram"), OURS.mini, agentsSdk.name, 0.4, "least"),
    ...limits(named.notOnce(5_000), 0, "count"),
    ...[50, 200].flatMap((concurrency) =>
      [OURS.bare, OURS.mini].map((ours) =>
        ratio(
          `fan-out, ${concurrency} calls at a time, users/s`,
          named.fanOut(concurrency),
          ours,
          bullmq.name,
          1.5,
          "most",
        ),
      ),
    ),
    count("rows written per user of a fan-out", costs.fanOutUser.rowsWritten, 1.1),
    count("rows written per fire", costs.every.rowsWritten, 3),
    limit(
      "object awake for a fire answered with 202, p99",
      costs.accepted.awakeMs.p99,
      100,
      format(costs.accepted.awakeMs.p99, "ms"),
    ),
    ...limits(named.listNewestP99, 50, "ms"),
  ];
  return table(
    ["", "measured", "goal", ""],
    rows
      .filter(([, value]) => Number.isFinite(value))
      .map(([what, value, goal, best, shown]) => {
        const met = best === "most" ? value >= goal : value <= goal;
        return [what, shown, `${best === "most" ? ">=" : "<="} ${goal}`, met ? "met" : "**missed**"];
      }),
  );
}

function billed({ reveille: ours, others }: Costs): string[] {
  const row = (what: string, cost: Cost): string[] => [
    what,
    format(cost.rowsWritten, "count"),
    format(cost.rowsRead, "count"),
    format(cost.objectCalls, "count"),
    format(cost.awakeMs.p50, "ms"),
  ];
  return table(
    ["", "rows written", "rows read", "object calls", "alarm awake, p50"],
    [
      row("Reveille: a create", ours.create),
      row("Reveille: a fire of a recurring job", ours.every),
      row("Reveille: the same, answered in 50 ms", ours.slow),
      row("Reveille: the fire of an `at` job, which ends the job", ours.at),
      row("Reveille: a fire of a recurring job answered with 202", ours.accepted),
      row("Reveille: its completion by the agent", ours.completed),
      row("Reveille: a user of a fan-out of 10,000", {
        ...ours.fanOutUser,
        awakeMs: { p50: Number.NaN, p99: Number.NaN },
      }),
      ...others.flatMap(({ name, create, fire }) => [row(`${name}: a create`, create), row(`${name}: a fire`, fire)]),
    ],
  );
}

const SLOW_AGENT_SECONDS = 30;

/** Dollars per million fires of a recurring job, by how the agent answers. */
function bill({ every, slow, completed, accepted }: CostFigures): string[] {
  const fire = (cost: Cost, awakeSeconds: number): number => dollarsPerMillion({ ...cost, awakeSeconds });
  const ownSeconds = every.awakeMs.p50 / 1_000;
  const dollars = (value: number): string => `$${value.toFixed(2)}`;
  const acceptedFire = fire(every, accepted.awakeMs.p50 / 1_000) + fire(completed, 0);
  return table(
    ["a million fires, the agent answers", "bill"],
    [
      ["in 50 ms", dollars(fire(slow, slow.awakeMs.p50 / 1_000))],
      ["in 30 s", dollars(fire(every, ownSeconds + SLOW_AGENT_SECONDS))],
      ["with 202, and completes the run later", dollars(acceptedFire)],
    ],
  );
}
