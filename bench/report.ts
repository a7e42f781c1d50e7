/** `bench/RESULTS.md`, made of what was measured. */
import { dollarsPerMillion } from "./bill.ts";
import type { Cost, CostFigures } from "./measures/cost.ts";
import { named } from "./names.ts";
import { format, type Results, table } from "./results.ts";
import { agentsSdk } from "./systems/agents-sdk.ts";
import { floor } from "./systems/floor.ts";
import { bullmq, pgBoss } from "./systems/queues.ts";
import { reveille } from "./systems/reveille.ts";
import type { Medium } from "./systems/system.ts";

export type Costs = {
  readonly reveille: CostFigures;
  readonly others: readonly { readonly name: string; readonly create: Cost; readonly fire: Cost }[];
};

const OURS = { bare: reveille("workerd").name, mini: reveille("miniflare").name };
const FLOOR = { bare: floor("workerd").name, mini: floor("miniflare").name };
const SYSTEMS = [FLOOR.bare, OURS.bare, FLOOR.mini, OURS.mini, agentsSdk.name, bullmq.name, pgBoss.name];

/** The whole report; `head` is about the machine and the run. */
export function report(results: Results, costs: Costs, head: readonly string[]): string {
  const media: readonly Medium[] = ["disk", "ram"];
  const parts: readonly (readonly string[])[] = [
    ["# Results", "", ...head],
    ["## Against the goals", "", ...goals(results, costs)],
    ["## Creates", "", ...results.table([...media.flatMap(creates), named.bytes], SYSTEMS)],
    ["## Lag", "", ...results.table([named.idleP50, named.idleP99, named.steadyP50, named.steadyP99], SYSTEMS)],
    ["## Bursts", "", ...results.table(bursts(), SYSTEMS)],
    ["## Calls and fan-out", "", ...results.table(ownCalls(), SYSTEMS)],
    ["## What is billed", "", ...billed(costs), "", ...bill(costs.reveille)],
  ];
  return `${parts.map((part) => part.join("\n")).join("\n\n")}\n`;
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

/** The goals of the project, one a row, those without a figure in this run left out. */
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
    return [`${what}, against ${other}`, value, goal, best, `${value.toFixed(2)} times`];
  };
  const limit = (what: string, value: number, goal: number, shown: string): Goal => [what, value, goal, "least", shown];
  const ms = (measure: string, goal: number): Goal => {
    const value = results.median(measure, OURS.mini);
    return limit(measure, value, goal, format(value, "ms"));
  };
  const count = (what: string, value: number, goal: number): Goal => limit(what, value, goal, format(value, "count"));
  const bytes = results.median(named.bytes, OURS.mini);
  const rows: readonly Goal[] = [
    ratio("creates on disk", named.creates("disk"), OURS.bare, FLOOR.bare, 0.8, "most"),
    ratio("creates on disk", named.creates("disk"), OURS.mini, FLOOR.mini, 0.8, "most"),
    ratio("creates on disk", named.creates("disk"), OURS.mini, agentsSdk.name, 2.5, "most"),
    ratio("creates on a RAM disk", named.creates("ram"), OURS.bare, FLOOR.bare, 0.65, "most"),
    ratio("creates on a RAM disk", named.creates("ram"), OURS.mini, FLOOR.mini, 0.65, "most"),
    count("rows written by a create", costs.create.rowsWritten, 8),
    limit(named.bytes, bytes, 32_000, format(bytes, "bytes")),
    ms(named.idleP99, 10),
    ms(named.steadyP99, 100),
    ratio("1,000 at one instant, p99", named.burstP99(1_000, "disk"), OURS.bare, FLOOR.bare, 1.25, "least"),
    ratio("1,000 at one instant, p99", named.burstP99(1_000, "disk"), OURS.mini, FLOOR.mini, 1.25, "least"),
    ratio("1,000 at one instant, p99", named.burstP99(1_000, "disk"), OURS.mini, agentsSdk.name, 0.4, "least"),
    count("5,000 at one instant, jobs not fired exactly once", results.median(named.notOnce(5_000), OURS.mini), 0),
    ratio("fan-out, users/s", named.fanOut(200), OURS.mini, bullmq.name, 1.5, "most"),
    count("rows written per user of a fan-out", costs.fanOutUser.rowsWritten, 1.1),
    count("rows written per fire", costs.every.rowsWritten, 3),
    limit(
      "object awake for a fire answered with 202, p99",
      costs.accepted.awakeMs.p99,
      100,
      format(costs.accepted.awakeMs.p99, "ms"),
    ),
    ms(named.listNewestP99, 50),
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
