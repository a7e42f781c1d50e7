import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { mayStart, type Start } from "../../../../src/domain/run/gate.ts";
import { JobInput } from "../../../../src/schema/job.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);

function record(enabled: boolean) {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1m" }, enabled }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return newJob("j1", defined.value, T0).record;
}

const STATES = {
  active: { record: record(true) },
  paused: { record: record(false) },
  held: { record: record(true), held: "held: MODE=stopped" },
  finished: { record: { ...record(true), finishedAt: T0 } },
};

describe("the gate", () => {
  it.each<[Start, (keyof typeof STATES)[]]>([
    ["due", ["active"]],
    ["buffered", ["active"]],
    ["backfill", ["active"]],
    ["manual", ["active", "paused", "held"]],
    ["retry", ["active", "paused", "held", "finished"]],
  ])("opens for a run that starts as %s while the job is %s", (start, open) => {
    for (const [name, state] of Object.entries(STATES)) {
      expect([name, mayStart(start, state).may]).toEqual([name, open.some((one) => one === name)]);
    }
  });

  it("names the first thing in the way, with the text for the skipped run", () => {
    expect(mayStart("due", STATES.held)).toEqual({ may: false, why: "held", reason: "held: MODE=stopped" });
    expect(mayStart("buffered", { ...STATES.paused, held: "held" })).toMatchObject({ why: "paused" });
  });
});
