import { describe, expect, it } from "vitest";
import { changeByBackfill, waitingBackfills } from "../../../../src/domain/job/backfill.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import type { TickState } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
const DAY = { from: "2026-11-22T00:00:00Z", to: "2026-11-22T23:59:59Z" };

function job(fields: Record<string, unknown> = {}): TickState {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { cron: "0 * * * *" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

function queued(state: TickState, body: Parameters<typeof changeByBackfill>[1]): TickState {
  const change = changeByBackfill(state, body, T0);
  if (!change.ok) throw new Error(JSON.stringify(change.error));
  return { ...state, record: change.value.record ?? state.record };
}

describe("a backfill", () => {
  it("queues the fires of its window, before the job was made too", () => {
    expect(waitingBackfills(queued(job(), DAY).record)).toBe(24);
  });

  it("is dropped by cancel, which queues nothing and may be repeated", () => {
    const state = queued(queued(job(), DAY), { cancel: true });
    expect(waitingBackfills(state.record)).toBe(0);
    expect(changeByBackfill(state, { cancel: true }, T0)).toEqual({ ok: true, value: { count: 0 } });
  });

  it("is refused beyond 1,000 waiting fires, in one window or in several", () => {
    const every = job({ schedule: { every: "1m" } });
    const hours = (n: number) => ({
      from: new Date(T0 - n * 3_600_000 + 1).toISOString(),
      to: new Date(T0).toISOString(),
    });
    expect(changeByBackfill(every, hours(17), T0).ok).toBe(false);
    const half = queued(every, hours(10));
    expect(waitingBackfills(half.record)).toBe(600);
    expect(changeByBackfill(half, hours(10), T0).ok).toBe(false);
  });

  it.each<[string, Record<string, unknown>, Parameters<typeof changeByBackfill>[1], string]>([
    ["an at job", { schedule: { at: "2026-11-24T00:00:00Z" } }, DAY, ""],
    ["an all_users job", { exec_scope: "all_users" }, DAY, ""],
    ["a window without an end", {}, { from: DAY.from }, "to"],
    ["no window at all", {}, {}, "from"],
    ["cancel and a window", {}, { ...DAY, cancel: true }, "cancel"],
    ["a window that ends before it begins", {}, { from: DAY.to, to: DAY.from }, "from"],
    ["a window that reaches into the future", {}, { from: DAY.from, to: "2026-11-24T00:00:00Z" }, "to"],
  ])("is refused for %s", (_, fields, body, path) => {
    const change = changeByBackfill(job(fields), body, T0);
    expect(change.ok || change.error).toMatchObject({ kind: "validation_failed" });
    expect(change.ok || (change.error.kind === "validation_failed" && change.error.errors[0]?.path)).toBe(path);
  });
});
