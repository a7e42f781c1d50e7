import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { addSpend } from "../../../../src/domain/run/budget.ts";
import { type GateState, mayStart, type Start } from "../../../../src/domain/run/gate.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { DAY_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);

function state(fields: Record<string, unknown> = {}): Pick<GateState, "record" | "cursor"> {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1m" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return newJob("j1", defined.value, T0);
}

const active = state();
const poor = state({ budget: { usd_per_day: 5 } });
const STATES: Readonly<Record<"active" | "paused" | "held" | "finished" | "over budget", GateState>> = {
  active,
  paused: state({ enabled: false }),
  held: { ...active, held: "held: MODE=stopped" },
  finished: { ...active, record: { ...active.record, finishedAt: T0 } },
  "over budget": { ...poor, cursor: { spent: addSpend(undefined, { runs: 7, usd: 5.12 }, "2026-11-23") } },
};

describe("the gate", () => {
  it.each<[Start, (keyof typeof STATES)[]]>([
    ["due", ["active"]],
    ["buffered", ["active"]],
    ["backfill", ["active"]],
    ["manual", ["active", "paused", "held"]],
    ["retry", ["active", "paused", "held", "finished", "over budget"]],
  ])("opens for a run that starts as %s while the job is %s", (start, open) => {
    for (const [name, gated] of Object.entries(STATES)) {
      expect([name, mayStart(start, gated, T0).may]).toEqual([name, open.some((one) => one === name)]);
    }
  });

  it("names the first obstacle, with the text for the skipped run", () => {
    expect(mayStart("due", STATES.held, T0)).toEqual({ may: false, why: "held", reason: "held: MODE=stopped" });
    expect(mayStart("buffered", { ...STATES.paused, held: "held" }, T0)).toMatchObject({ why: "paused" });
    expect(mayStart("due", STATES["over budget"], T0)).toEqual({
      may: false,
      why: "budget",
      reason: "budget: usd_per_day 5 is used up (5.12 spent)",
    });
  });

  it("opens again on the next day", () => {
    expect(mayStart("due", STATES["over budget"], T0 + DAY_MS).may).toBe(true);
  });
});
