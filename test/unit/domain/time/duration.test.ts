import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration, parseDurationWithin } from "../../../../src/domain/time/duration.ts";

const HOUR = 3_600_000;

describe("parseDuration reads Go's syntax, d and w", () => {
  it.each([
    ["0", 0],
    ["-0", 0],
    ["0s", 0],
    ["5s", 5_000],
    ["+5s", 5_000],
    ["-5s", -5_000],
    ["300ms", 300],
    ["90s", 90_000],
    ["1h30m", 1.5 * HOUR],
    ["1.5h", 1.5 * HOUR],
    ["1.s", 1_000],
    [".5s", 500],
    ["1.1s", 1_100],
    ["2.3s", 2_300],
    ["3h2m1s", 3 * HOUR + 121_000],
    ["1m1h", 61 * 60_000],
    ["1h1h", 2 * HOUR],
    ["1d", 24 * HOUR],
    ["7d", 168 * HOUR],
    ["1w", 168 * HOUR],
    ["1.5d", 36 * HOUR],
    ["1w2d3h", 219 * HOUR],
    ["1ns", 0.000_001],
    ["1us", 0.001],
    ["1\u00b5s", 0.001],
    ["1\u03bcs", 0.001],
    ["52763797000ns", 52_763.797],
    // From Go's own table: the result of floating-point fractions with many digits.
    ["0.3333333333333333333h", 20 * 60_000],
    ["0.100000000000000000000h", 6 * 60_000],
    ["0.9223372036854775807h", 55 * 60_000 + 20_413.933267],
    ["9007199254740993ns", 9_007_199_254.740993],
    ["9223372036854775807ns", 9_223_372_036_854.775],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
  });

  it.each([
    ["", "it has no number"],
    ["-", "it has no number"],
    ["3", 'a unit is missing after "3"'],
    ["1h30", 'a unit is missing after "30"'],
    ["s", 'a number is missing before "s"'],
    [".", 'a number is missing before "."'],
    [".s", 'a number is missing before ".s"'],
    ["1 h", '" h" is not a unit'],
    ["1h 30m", '"h " is not a unit'],
    ["1H", '"H" is not a unit'],
    ["30min", '"min" is not a unit'],
    ["1y", '"y" is not a unit'],
    ["1h-30m", '"h-" is not a unit'],
    ["--5s", 'a number is missing before "-5s"'],
    ["1e3s", '"e" is not a unit'],
    ["PT1H", 'a number is missing before "PT1H"'],
    ["٣s", '"٣s"'],
    ["9223372036854775808ns", "longer than 292 years"],
    ["300y", '"y" is not a unit'],
    ["200000w", "longer than 292 years"],
  ])("%j is refused: %s", (text, why) => {
    const read = parseDuration(text);
    expect(read.ok ? read.value : read.error).toContain(why);
    expect(read.ok ? read.value : read.error).toContain('"90s", "30m", "1h30m" or "7d"');
  });
});

describe("formatDuration writes what Go reads", () => {
  it.each([
    [0, "0s"],
    [1, "1ms"],
    [1.5, "1.5ms"],
    [0.0015, "1.5\u00b5s"],
    [0.000_001, "1ns"],
    [999, "999ms"],
    [1_000, "1s"],
    [1_500, "1.5s"],
    [90_000, "1m30s"],
    [1.5 * HOUR, "1h30m"],
    [HOUR + 1, "1h0.001s"],
    [24 * HOUR, "24h"],
    [-90_000, "-1m30s"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("and parseDuration gives the same milliseconds back", () => {
    const whole = fc.integer({ min: -1e13 / 2, max: 1e13 / 2 });
    fc.assert(
      fc.property(whole, (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms });
      }),
    );
  });

  it("and parse, print, parse loses nothing down to the nanosecond", () => {
    const number = fc.tuple(fc.nat(999), fc.nat(999_999)).map(([a, b]) => `${a}.${b}`);
    const text = fc
      .array(fc.tuple(number, fc.constantFrom("ns", "us", "ms", "s", "m", "h", "d", "w")), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts) => parts.map((part) => part.join("")).join(""));
    fc.assert(
      fc.property(text, (written) => {
        const read = parseDuration(written);
        if (!read.ok) throw new Error(read.error);
        const again = parseDuration(formatDuration(read.value));
        // A double of milliseconds holds whole nanoseconds up to 104 days, and beyond that its own precision.
        expect(again.ok && Math.abs(again.value - read.value)).toBeLessThanOrEqual(read.value * 2 ** -52);
      }),
    );
  });

  it("never throws on any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(typeof parseDuration(text).ok).toBe("boolean");
      }),
    );
  });
});

describe("parseDurationWithin names the bound that is broken", () => {
  it.each([
    ["1s", { ok: true, value: 1_000 }],
    ["365d", { ok: true, value: 8_760 * HOUR }],
    ["999ms", { ok: false, error: '"999ms" is too short: use 1s to 365d' }],
    ["-5s", { ok: false, error: '"-5s" is too short: use 1s to 365d' }],
    ["0", { ok: false, error: '"0" is too short: use 1s to 365d' }],
    ["366d", { ok: false, error: '"366d" is too long: use 1s to 365d' }],
    ["1.0004s", { ok: true, value: 1_000 }],
    ["1.0005s", { ok: true, value: 1_001 }],
    ["1h2m3s4ms5us6ns", { ok: true, value: 3_723_004 }],
    ["52763797000ns", { ok: true, value: 52_764 }],
    ["999.9999ms", { ok: false, error: '"999.9999ms" is too short: use 1s to 365d' }],
    ["8760h1us", { ok: false, error: '"8760h1us" is too long: use 1s to 365d' }],
  ])("%s", (text, expected) => {
    expect(parseDurationWithin(text, 1_000, 8_760 * HOUR)).toEqual(expected);
  });
});
