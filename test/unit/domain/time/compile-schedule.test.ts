import { describe, expect, it } from "vitest";
import { compileSchedule, sameSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

describe("compileSchedule refuses, with path and remedy", () => {
  it.each<[ScheduleSpec, [string, string][]]>([
    [{}, [["schedule", "give exactly one of cron, every, at, in, rrule, manual"]]],
    [{ jitter: "5m" }, [["schedule", "give exactly one of cron, every, at, in, rrule, manual"]]],
    [{ cron: "0 9 * * *", every: "30m" }, [["schedule", "the schedule has cron and every"]]],
    [{ every: "30m", at: "2027-01-15T14:30:00Z" }, [["schedule", "the schedule has every and at"]]],
    [{ cron: "61 * * * *" }, [["schedule.cron", 'minute "61" is not allowed']]],
    [
      { cron: "61 24 * * *" },
      [
        ["schedule.cron", "minute takes 0-59"],
        ["schedule.cron", "hour takes 0-23"],
      ],
    ],
    [{ cron: "0 0 9 * * *" }, [["schedule.cron", "has 6 fields"]]],
    [{ cron: "0 0 30 2 *" }, [["schedule.cron", "never fires"]]],
    [{ cron: "0 9 * * *", timezone: "Mars/Olympus" }, [["schedule.timezone", "is not a known time zone"]]],
    [{ cron: "0 9 * * *", timezone: "+05:30" }, [["schedule.timezone", "is an offset"]]],
    [{ cron: "CRON_TZ=Asia/Tokyo 0 9 * * *", timezone: "Asia/Tokyo" }, [["schedule.timezone", "given twice"]]],
    [{ cron: "CRON_TZ=Foo/Bar 0 9 * * *" }, [["schedule.cron", '"Foo/Bar" is not a known time zone']]],
    [{ every: "30m", timezone: "UTC" }, [["schedule.timezone", "every counts real time"]]],
    [{ at: "2027-01-15T14:30:00Z", timezone: "UTC" }, [["schedule.timezone", "carries its own offset"]]],
    [{ at: "2027-01-15T14:30" }, [["schedule.at", "has no offset"]]],
    [{ at: "2027-01-15T24:30", timezone: "UTC" }, [["schedule.at", '"2027-01-15T24:30" has an hour over 23']]],
    [
      { at: "2027-03-28T02:30", timezone: "Europe/Berlin" },
      [
        [
          "schedule.at",
          'the clock goes from 2027-03-28T01:59:59+01:00 to 2027-03-28T03:00:00+02:00 (2027-03-28T01:00:00.000Z); write "2027-03-28T01:30:00+01:00" for before the gap, or "2027-03-28T03:30:00+02:00"',
        ],
      ],
    ],
    [{ in: "20m", at: "2027-01-15T14:30:00Z" }, [["schedule", "the schedule has at and in"]]],
    [{ in: "0s" }, [["schedule.in", "too short: use 1s to 365d"]]],
    [{ in: "366d" }, [["schedule.in", "too long: use 1s to 365d"]]],
    [{ in: "20m" }, [["schedule.in", "counts from the time of a call"]]],
    [{ in: "20m", timezone: "UTC" }, [["schedule.timezone", "in counts from now"]]],
    [{ in: "20m", exclude: ["SAT"] }, [["schedule.exclude", "exclude has no meaning beside in"]]],
    [{ manual: true, every: "1h" }, [["schedule", "the schedule has every and manual"]]],
    [
      { manual: true, jitter: "5m", max_runs: 3 },
      [
        ["schedule.jitter", "never fires by itself"],
        ["schedule.max_runs", "never fires by itself"],
      ],
    ],
    [{ rrule: "FREQ=DAILY;BYHOUR=24" }, [["schedule.rrule", "BYHOUR"]]],
    [{ every: "1h", exclude: ["yesterday"] }, [["schedule.exclude", "is not an exclusion"]]],
    [{ at: "2027-01-15T14:30:00Z", exclude: ["SAT"] }, [["schedule.exclude", "goes with cron, every and rrule"]]],
    [{ every: "999ms" }, [["schedule.every", '"999ms" is too short: use 1s to 365d']]],
    [{ every: "0" }, [["schedule.every", "too short"]]],
    [{ every: "-5m" }, [["schedule.every", "too short"]]],
    [{ every: "365d1s" }, [["schedule.every", '"365d1s" is too long: use 1s to 365d']]],
    [{ every: "5 minutes" }, [["schedule.every", "is not a duration"]]],
    [{ at: "2027-01-15T14:30:00" }, [["schedule.at", "offset"]]],
    [{ at: "2027-02-30T14:30:00Z" }, [["schedule.at", "does not exist"]]],
    [{ every: "1m", jitter: "-1s" }, [["schedule.jitter", "too short"]]],
    [{ every: "1m", jitter: "x" }, [["schedule.jitter", "is not a duration"]]],
    [{ every: "1m", max_runs: 0 }, [["schedule.max_runs", "at least 1"]]],
    [{ every: "1m", max_runs: 1.5 }, [["schedule.max_runs", "whole number"]]],
    [
      { every: "1m", starts_at: "2027-01-02T00:00:00Z", ends_at: "2027-01-02T01:00:00+01:00" },
      [["schedule.ends_at", "is not after starts_at"]],
    ],
  ])("%j", (spec, expected) => {
    const compiled = compileSchedule(spec, { tickAligned: false });
    expect(compiled.ok ? [] : compiled.error).toEqual(
      expected.map(([path, message]) => ({ path, message: expect.stringContaining(message) })),
    );
  });

  it("every problem at once", () => {
    const spec = { cron: "61 * * * *", timezone: "Foo", jitter: "x", starts_at: "y", ends_at: "z", max_runs: -1 };
    const compiled = compileSchedule(spec, { tickAligned: false });
    expect(compiled.ok ? [] : compiled.error.map(({ path }) => path).sort()).toEqual(
      Object.keys(spec)
        .map((field) => `schedule.${field}`)
        .sort(),
    );
  });

  it("an every under a minute for a job on the Cron Trigger's tick only", () => {
    const refused = {
      ok: false,
      error: [{ path: "schedule.every", message: expect.stringContaining('use "1m" or longer') }],
    };
    expect(compileSchedule({ every: "59.999s" }, { tickAligned: true })).toEqual(refused);
    expect(compileSchedule({ every: "60s" }, { tickAligned: true }).ok).toBe(true);
    expect(compileSchedule({ every: "1s" }, { tickAligned: false }).ok).toBe(true);
  });
});

describe("sameSchedule compares what fires, not how it is written", () => {
  it.each<[ScheduleSpec, ScheduleSpec, boolean]>([
    [{ every: "60s" }, { every: "1m" }, true],
    [{ every: "60s" }, { every: "61s" }, false],
    [{ every: "24h" }, { cron: "@daily" }, false],
    [{ cron: "@daily" }, { cron: "0 0 * * *", timezone: "UTC" }, true],
    [{ cron: "0 0 * * SUN" }, { cron: "0  0 ? * 7" }, true],
    [{ cron: "CRON_TZ=Asia/Tokyo 0 0 * * *" }, { cron: "0 0 * * *", timezone: "asia/tokyo" }, true],
    [{ cron: "0 0 * * *", timezone: "Asia/Tokyo" }, { cron: "0 0 * * *" }, false],
    // The same minutes, but real time on one side and fixed times on the other.
    [{ cron: "*/30 2 * * *" }, { cron: "0,30 2 * * *" }, false],
    [{ at: "2027-01-15T14:30:00+08:00" }, { at: "2027-01-15T06:30:00Z" }, true],
    [{ every: "1m", jitter: "0s" }, { every: "1m" }, true],
    [{ every: "1m", jitter: "5s" }, { every: "1m" }, false],
    [{ every: "1m", max_runs: 1 }, { every: "1m", max_runs: 2 }, false],
    [{ every: "1m", ends_at: "2027-01-15T06:30:00Z" }, { every: "1m" }, false],
    [{ every: "1m", starts_at: "2027-01-15T06:30:00Z" }, { every: "1m" }, false],
    [{ at: "2027-01-15T14:30", timezone: "Asia/Tokyo" }, { at: "2027-01-15T05:30:00Z" }, true],
    [{ rrule: "RRULE:FREQ=DAILY;BYHOUR=9" }, { rrule: "byhour=9;freq=daily;interval=1", timezone: "UTC" }, true],
    [{ rrule: "FREQ=DAILY;BYHOUR=9" }, { rrule: "FREQ=DAILY;BYHOUR=10" }, false],
    [{ every: "1h", exclude: ["SAT"] }, { every: "1h", exclude: ["sat"] }, true],
    [{ every: "1h", exclude: ["SAT"] }, { every: "1h" }, false],
    [{ manual: true }, { manual: true }, true],
    [{ cron: "bad", jitter: "1s" }, { jitter: "1s", cron: "bad" }, true],
    [{ cron: "bad" }, { cron: "worse" }, false],
  ])("%j and %j: %s", (a, b, same) => {
    expect(sameSchedule(a, b)).toBe(same);
    expect(sameSchedule(b, a)).toBe(same);
  });
});
