/** Schedules (docs/contract.md §1): checking a spec, and the fires of `every`, `at` and `cron` with jitter and bounds. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { settleIn } from "../../../../src/domain/time/compile-schedule.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";
import { formatInstant, MAX_INSTANT } from "../../../../src/domain/time/instant.ts";
import { jitterDelay } from "../../../../src/domain/time/jitter.ts";
import { nextTickAtOrAfter, scheduleZone } from "../../../../src/domain/time/schedule.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";
import { ANCHOR, compile, DAY, fires, HOUR, iso, MINUTE, NOW } from "./schedule-fixture.ts";

describe("every fires at anchor + k·every", () => {
  const every = compile({ every: "30m" });
  it("for the first time one interval after the anchor", () => {
    expect(bindFires(every, { anchorAt: ANCHOR }).next(ANCHOR)).toBe(ANCHOR + 30 * MINUTE);
    expect(bindFires(every, { anchorAt: ANCHOR }).next(ANCHOR - 100 * DAY)).toBe(ANCHOR + 30 * MINUTE);
    expect(bindFires(every, { anchorAt: ANCHOR }).last(ANCHOR + 30 * MINUTE - 1)).toBeNull();
  });
  it("strictly after the instant asked for", () => {
    expect(bindFires(every, { anchorAt: ANCHOR }).next(ANCHOR + 30 * MINUTE)).toBe(ANCHOR + 60 * MINUTE);
    expect(bindFires(every, { anchorAt: ANCHOR }).next(ANCHOR + 30 * MINUTE - 1)).toBe(ANCHOR + 30 * MINUTE);
    expect(bindFires(every, { anchorAt: ANCHOR }).last(ANCHOR + 30 * MINUTE)).toBe(ANCHOR + 30 * MINUTE);
  });
  it("in the same phase after years, and within starts_at and ends_at, both included", () => {
    expect(bindFires(every, { anchorAt: ANCHOR }).next(ANCHOR + 3650 * DAY)).toBe(ANCHOR + 3650 * DAY + 30 * MINUTE);
    const bounded = compile({
      every: "1h",
      starts_at: "2026-11-23T12:00:07.123Z",
      ends_at: "2026-11-23T14:00:07.123Z",
    });
    expect(bindFires(bounded, { anchorAt: ANCHOR }).take(NOW, 10).map(iso)).toEqual([
      "2026-11-23T12:00:07.123Z",
      "2026-11-23T13:00:07.123Z",
      "2026-11-23T14:00:07.123Z",
    ]);
    expect(bindFires(bounded, { anchorAt: ANCHOR }).last(ANCHOR + 2 * HOUR)).toBeNull();
    expect(iso(bindFires(bounded, { anchorAt: ANCHOR }).last(ANCHOR + 99 * HOUR))).toBe("2026-11-23T14:00:07.123Z");
  });
  it("from starts_at if it has one, which may be past, and not before it", () => {
    const fortnightly = compile({ every: "2w", starts_at: "2026-11-03T14:00:00Z" });
    const fires = bindFires(fortnightly, { anchorAt: ANCHOR });
    expect(fires.take(NOW, 2).map(iso)).toEqual(["2026-12-01T14:00:00.000Z", "2026-12-15T14:00:00.000Z"]);
    expect(iso(fires.next(0))).toBe("2026-11-03T14:00:00.000Z");
    expect(fires.last(Date.parse("2026-11-03T13:59:59.999Z"))).toBeNull();
  });
  it("counts by arithmetic, so that a year of seconds costs nothing", () => {
    expect(bindFires(compile({ every: "1s" }), { anchorAt: ANCHOR }).count(ANCHOR, ANCHOR + 365 * DAY, 1e9)).toBe(
      365 * 86_400,
    );
    expect(bindFires(compile({ every: "1s" }), { anchorAt: ANCHOR }).count(ANCHOR, ANCHOR + 365 * DAY, 1_000)).toBe(
      1_000,
    );
    expect(bindFires(every, { anchorAt: ANCHOR }).count(ANCHOR, ANCHOR + 30 * MINUTE - 1, 10)).toBe(0);
  });
  it("ends with the last year that RFC 3339 can write", () => {
    expect(bindFires(compile({ every: "365d" }), { anchorAt: MAX_INSTANT - DAY }).next(MAX_INSTANT - DAY)).toBeNull();
  });
});

describe("at fires once", () => {
  const at = compile({ at: "2027-01-15T14:30:00+08:00" });
  const due = Date.parse("2027-01-15T06:30:00Z");
  it("at its time, and never again", () => {
    expect(bindFires(at, { anchorAt: ANCHOR }).next(NOW)).toBe(due);
    expect(bindFires(at, { anchorAt: ANCHOR }).next(due)).toBeNull();
    expect(bindFires(at, { anchorAt: ANCHOR }).last(due)).toBe(due);
    expect(bindFires(at, { anchorAt: ANCHOR }).last(due - 1)).toBeNull();
    expect(bindFires(at, { anchorAt: ANCHOR }).count(NOW, due, 10)).toBe(1);
  });
  it("at a local time of its zone, the first of two if the clock repeats it", () => {
    const local = compile({ at: "2027-10-31T02:30", timezone: "Europe/Berlin" });
    expect(iso(fires(local).next(NOW))).toBe("2027-10-31T00:30:00.000Z");
    expect(scheduleZone(local)).toBe("Europe/Berlin");
    expect(iso(fires(compile({ at: "2027-01-15 14:30:15", timezone: "Asia/Tokyo" })).next(NOW))).toBe(
      "2027-01-15T05:30:15.000Z",
    );
  });
  it("in a while from now, as the at that it comes to", () => {
    expect(settleIn({ in: "20m", max_runs: 1 }, NOW)).toEqual({ at: "2026-11-23T09:20:07.123Z", max_runs: 1 });
    expect(settleIn({ in: "soon" }, NOW)).toEqual({ in: "soon" });
    expect(settleIn({ every: "1h" }, NOW)).toEqual({ every: "1h" });
  });
  it("is shown with the offset it was written with", () => {
    expect(scheduleZone(at)).toBe("+08:00");
    expect(scheduleZone(compile({ at: "2027-01-15T14:30:00z" }))).toBe("UTC");
    expect(scheduleZone(compile({ at: "2027-01-15T14:30:00-00:00" }))).toBe("UTC");
    expect(scheduleZone(compile({ at: "2027-01-15T14:30:00+10:00" }))).toBe("+10:00");
  });
});

describe("jitter delays every fire by the same part", () => {
  it("after the nominal time, which alone starts_at and ends_at bound", () => {
    const schedule = compile({
      cron: "0 9 * * *",
      jitter: "10m",
      starts_at: "2026-11-24T09:00:00Z",
      ends_at: "2026-11-25T09:00:00Z",
    });
    const delay = 7 * MINUTE;
    expect(bindFires(schedule, { anchorAt: ANCHOR, delayMs: delay }).take(NOW, 5).map(iso)).toEqual([
      "2026-11-24T09:07:00.000Z",
      "2026-11-25T09:07:00.000Z",
    ]);
    // Between the nominal time and the fire, the fire is still to come.
    expect(
      iso(bindFires(schedule, { anchorAt: ANCHOR, delayMs: delay }).next(Date.parse("2026-11-25T09:03:00Z"))),
    ).toBe("2026-11-25T09:07:00.000Z");
    expect(
      iso(bindFires(schedule, { anchorAt: ANCHOR, delayMs: delay }).last(Date.parse("2026-11-25T09:03:00Z"))),
    ).toBe("2026-11-24T09:07:00.000Z");
  });

  it("by whole milliseconds below the jitter, the same for an id at any time, spread evenly over ids", () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `job-${i}`);
    for (const jitterMs of [0, 1, 7, 60_000, 365 * DAY]) {
      const delays = ids.slice(0, 500).map((id) => jitterDelay(id, jitterMs));
      expect(delays.every((d) => Number.isInteger(d) && d >= 0 && (d < jitterMs || d === 0))).toBe(true);
      expect(ids.slice(0, 500).map((id) => jitterDelay(id, jitterMs))).toEqual(delays);
    }
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const id of ids) {
      const tenth = Math.floor(jitterDelay(id, 60_000) / 6_000);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // 2,000 each; five standard deviations are 212.
    for (const count of tenths) expect(Math.abs(count - 2_000)).toBeLessThan(212);
  });
});

describe("the tick", () => {
  it.each([
    ["2026-11-23T09:00:00Z", "2026-11-23T09:00:00.000Z"],
    ["2026-11-23T09:00:00.001Z", "2026-11-23T09:01:00.000Z"],
    ["2026-11-23T09:00:59.999Z", "2026-11-23T09:01:00.000Z"],
  ])("at or after %s is %s", (at, tick) => {
    expect(formatInstant(nextTickAtOrAfter(Date.parse(at)))).toBe(tick);
  });
});

describe("for any schedule, anchor, jitter and instant", () => {
  const from = Date.parse("2026-01-01T00:00:00Z");
  const instant = fc.integer({ min: from, max: from + 3 * 365 * DAY });
  const timing = fc.oneof(
    fc.integer({ min: 1_000, max: 40 * DAY }).map((ms): ScheduleSpec => ({ every: `${ms}ms` })),
    instant.map((at): ScheduleSpec => ({ at: formatInstant(at) })),
    fc
      .record({
        cron: fc.constantFrom(
          "30 2 * * *",
          "*/30 * * * *",
          "7/13 1-3 * * *",
          "0 0 L * MON#1",
          "15 */2 * * 1-5",
          "59 23 29 2 *",
          "*/5 2 * 3 SUNL",
        ),
        timezone: fc.constantFrom(
          "UTC",
          "Europe/Berlin",
          "America/New_York",
          "Australia/Lord_Howe",
          "America/Nuuk",
          "Africa/Cairo",
        ),
      })
      .map((spec): ScheduleSpec => spec),
  );
  const anySchedule = fc
    .record({ timing, start: fc.option(instant), length: fc.option(fc.integer({ min: 1, max: 200 * DAY })) })
    .map(({ timing, start, length }) =>
      compile({
        ...timing,
        ...(start === null ? {} : { starts_at: formatInstant(start) }),
        ...(length === null ? {} : { ends_at: formatInstant((start ?? from) + length) }),
      }),
    );
  const delay = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 * DAY }));
  const any = [anySchedule, instant, delay, instant] as const;

  it("the next fire is after it, and is its own last fire", () => {
    fc.assert(
      fc.property(...any, (schedule, anchor, jitter, at) => {
        const next = bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).next(at);
        if (next === null) return;
        expect(next).toBeGreaterThan(at);
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).last(next)).toBe(next);
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).next(next - 1)).toBe(next);
        // Nothing lies between: the last fire before `next` is not after `at`.
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).last(next - 1) ?? at).toBeLessThanOrEqual(at);
      }),
      { numRuns: 300 },
    );
  });

  it("the last fire is at or before it, and the next one after that is later than it", () => {
    fc.assert(
      fc.property(...any, (schedule, anchor, jitter, at) => {
        const last = bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).last(at);
        if (last === null) return;
        expect(last).toBeLessThanOrEqual(at);
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).next(last - 1)).toBe(last);
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).next(last) ?? at + 1).toBeGreaterThan(at);
      }),
      { numRuns: 300 },
    );
  });

  it("stepping from any start meets the same fires, so the phase never drifts", () => {
    fc.assert(
      fc.property(...any, fc.nat(30), (schedule, anchor, jitter, at, skip) => {
        const fires = bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).take(at, 40);
        const start = fires[skip];
        if (start === undefined) return;
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).take(start, 39 - skip)).toEqual(
          fires.slice(skip + 1),
        );
        if (schedule.timing.kind !== "every") return;
        const { everyMs } = schedule.timing;
        expect(fires.every((fire) => (fire - jitter - (schedule.startsAt ?? anchor)) % everyMs === 0)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("between, count and take agree", () => {
    fc.assert(
      fc.property(...any, fc.integer({ min: 0, max: 60 * DAY }), (schedule, anchor, jitter, at, length) => {
        const cap = 50;
        const expected = bindFires(schedule, { anchorAt: anchor, delayMs: jitter })
          .take(at, cap)
          .filter((fire) => fire <= at + length);
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).between(at + 1, at + length, cap)).toEqual(
          expected,
        );
        expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).count(at, at + length, cap)).toBe(
          expected.length,
        );
        const [first] = expected;
        if (first !== undefined)
          expect(bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).between(first, first, cap)).toEqual([
            first,
          ]);
      }),
      { numRuns: 150 },
    );
  });

  it("a jittered fire is the nominal one, delayed", () => {
    fc.assert(
      fc.property(...any, (schedule, anchor, jitter, at) => {
        const nominal = bindFires(schedule, { anchorAt: anchor }).next(at);
        const fire = bindFires(schedule, { anchorAt: anchor, delayMs: jitter }).next(at + jitter);
        expect(fire).toBe(nominal === null ? null : nominal + jitter);
      }),
    );
  });
});

describe("at fixed times, no local time fires twice", () => {
  it.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Nuuk", "Africa/Cairo", "Asia/Beirut"])(
    "in %s",
    (timezone) => {
      const schedule = compile({ cron: "0/15 0-3,22-23 * * *", timezone });
      const shown = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, dateStyle: "short", timeStyle: "short" });
      const fires = bindFires(schedule, { anchorAt: 0 }).between(
        Date.parse("2026-03-01T00:00Z"),
        Date.parse("2026-11-15T00:00Z"),
        1e5,
      );
      const locals = fires.map((fire) => shown.format(fire));
      expect(new Set(locals).size).toBe(locals.length);
      expect(locals.length).toBeGreaterThan(250 * 24);
    },
  );
});
