/** The end of fires that came due while nothing could run (docs/contract.md §3). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import {
  decideMissed,
  MAX_COUNTED_MISSES,
  type MissedVerdict,
  ON_TIME_GRACE_MS,
} from "../../../../src/domain/run/missed.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { DAY_MS, SECOND_MS } from "../../../../src/schema/limits.ts";

const ANCHOR = Date.UTC(2026, 10, 23, 9, 0, 0);

function verdict(schedule: Record<string, unknown>, window: string, firstDueAt: number, now: number): MissedVerdict {
  const input = JobInput.parse({ name: "n", message: "m", schedule, catchup_window: window });
  const defined = defineJob(input);
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return decideMissed(defined.value, bindFires(defined.value.schedule, { anchorAt: ANCHOR }), firstDueAt, now);
}

/** Of an `every` job whose next due time was the first after the anchor. */
const lateBy = (everyS: number, window: string, lateMs: number) =>
  verdict({ every: `${everyS}s` }, window, ANCHOR + everyS * SECOND_MS, ANCHOR + everyS * SECOND_MS + lateMs);

describe("a single fire", () => {
  it.each([
    ["0s", 0, "run"],
    ["0s", 999, "run"],
    ["0s", 1_000, "run"],
    ["0s", 1_001, "too_late"],
    ["3s", 2_999, "run"],
    ["3s", 3_000, "run"],
    ["3s", 3_001, "too_late"],
    ["24h", 9_999, "run"],
  ])("with catchup_window %s and %d ms late: %s", (window, lateMs, kind) => {
    expect(lateBy(10, window, lateMs)).toMatchObject({ kind, missed: 0 });
  });

  it("that is too late is skipped in words that name it, the delay and the window", () => {
    const { kind, ...rest } = lateBy(10, "2s", 5_000);
    expect(kind).toBe("too_late");
    expect(rest).toMatchObject({ reason: expect.stringMatching(/missed: 1 fire came due .* 5s late, .* 2s/) });
  });
});

describe("more than one fire", () => {
  it.each([
    // The outage ended this long after the latest due time.
    ["0s", 0, "run"],
    ["0s", 1, "too_late"],
    ["0s", 500, "too_late"],
    ["500ms", 500, "run"],
    ["500ms", 501, "too_late"],
    ["24h", 1_999, "run"],
  ])("with catchup_window %s and the latest %d ms late, which is no alarm's delay: %s", (window, lateMs, kind) => {
    expect(lateBy(2, window, 3 * 2_000 + lateMs)).toMatchObject({ kind, dueAt: ANCHOR + 8_000, missed: 3 });
  });

  it("skipped: says how many", () => {
    expect(lateBy(2, "0s", 6_500)).toMatchObject({ reason: expect.stringContaining("4 fires came due") });
  });

  it("are counted up to a limit, so that years of seconds cost no time", () => {
    expect(lateBy(1, "0s", 400 * DAY_MS + 500)).toMatchObject({ missed: MAX_COUNTED_MISSES });
  });
});

const case_ = fc.record({
  everyS: fc.integer({ min: 1, max: 90 }),
  /** Fires handled before. */
  done: fc.nat(50),
  lateMs: fc.nat(400_000),
  windowMs: fc.oneof(fc.constant(0), fc.nat(300_000)),
});
const play = ({
  everyS,
  done,
  lateMs,
  windowMs,
}: {
  everyS: number;
  done: number;
  lateMs: number;
  windowMs: number;
}) => {
  const firstDueAt = ANCHOR + (done + 1) * everyS * SECOND_MS;
  const now = firstDueAt + lateMs;
  return { firstDueAt, now, answer: verdict({ every: `${everyS}s` }, `${windowMs}ms`, firstDueAt, now) };
};

describe("for any interval, window and outage", () => {
  it("the answer is for the latest due time, and counts each of the earlier ones", () => {
    fc.assert(
      fc.property(case_, (plan) => {
        const { firstDueAt, now, answer } = play(plan);
        const everyMs = plan.everyS * SECOND_MS;
        expect(answer.dueAt).toBeLessThanOrEqual(now);
        expect(answer.dueAt + everyMs).toBeGreaterThan(now);
        expect(answer.missed).toBe((answer.dueAt - firstDueAt) / everyMs);
      }),
    );
  });

  it("the latest fire runs if it lies within the window, or if it is the only one and hardly late", () => {
    fc.assert(
      fc.property(case_, (plan) => {
        const { now, answer } = play(plan);
        const late = now - answer.dueAt;
        const runs = late <= plan.windowMs || (answer.missed === 0 && late <= ON_TIME_GRACE_MS);
        expect(answer.kind).toBe(runs ? "run" : "too_late");
      }),
    );
  });

  it("a longer window never turns a run into a skip", () => {
    fc.assert(
      fc.property(case_, fc.nat(600_000), (plan, moreMs) => {
        if (play(plan).answer.kind !== "run") return;
        expect(play({ ...plan, windowMs: plan.windowMs + moreMs }).answer.kind).toBe("run");
      }),
    );
  });

  it("with a window as long as the interval one of the fires always runs", () => {
    fc.assert(
      fc.property(case_, (plan) => {
        expect(play({ ...plan, windowMs: plan.everyS * SECOND_MS }).answer.kind).toBe("run");
      }),
    );
  });

  it("alarms that ring up to a second late never skip, unless that second holds another fire", () => {
    fc.assert(
      fc.property(case_, fc.integer({ min: 0, max: ON_TIME_GRACE_MS - 1 }), (plan, lateMs) => {
        expect(play({ ...plan, lateMs }).answer).toMatchObject({ kind: "run", missed: 0 });
      }),
    );
  });
});
