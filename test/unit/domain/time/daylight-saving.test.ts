/** Clock changes (docs/contract.md §1, "Daylight saving, as in vixie-cron"): the rule's rows, then the rule against a slow walk. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";
import { formatInstant } from "../../../../src/domain/time/instant.ts";
import type { Schedule } from "../../../../src/domain/time/schedule.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

function cron(expression: string, timezone: string): Schedule {
  const compiled = compileSchedule({ cron: expression, timezone }, { tickAligned: false });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

/** The fires of one UTC window, as `MM-DD hh:mm`. */
function fires(expression: string, zone: string, from: string, to: string): string[] {
  return bindFires(cron(expression, zone), { anchorAt: 0 })
    .between(Date.parse(from), Date.parse(to), 500)
    .map((at) => formatInstant(at).slice(5, 16).replace("T", " "));
}

describe("a fixed time that the clock skips fires once, at the first instant after the gap", () => {
  const gaps = [
    ["30 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-15T12:00Z", ["03-14 07:00", "03-15 06:30"]],
    ["0 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00"]],
    ["0 3 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00"]],
    ["30 2,14 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00", "03-14 18:30"]],
    ["0,30 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00"]],
    ["0 2,3 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00"]],
    [
      "30 1-3 * * *",
      "America/New_York",
      "2027-03-14T00:00Z",
      "2027-03-14T12:00Z",
      ["03-14 06:30", "03-14 07:00", "03-14 07:30"],
    ],
    ["0-59/20 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00"]],
    ["5/20 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", ["03-14 07:00"]],
    ["30 2 * * *", "Europe/Berlin", "2027-03-28T00:00Z", "2027-03-29T12:00Z", ["03-28 01:00", "03-29 00:30"]],
    ["30 2 28 3 *", "Europe/Berlin", "2027-01-01T00:00Z", "2027-12-31T00:00Z", ["03-28 01:00"]],
    ["15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-04T14:00Z", ["10-03 15:30"]],
    ["45 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-04T14:00Z", ["10-03 15:45"]],
    ["0 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", "2026-04-25T12:00Z", ["04-23 22:00", "04-24 21:00"]],
    ["30 0 * * *", "Asia/Beirut", "2026-03-28T12:00Z", "2026-03-29T23:00Z", ["03-28 22:00", "03-29 21:30"]],
    ["0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00Z", "2018-11-05T12:00Z", ["11-04 03:00", "11-05 02:00"]],
    // The gap runs up to midnight: the first instant after it is already the next day.
    ["30 23 * * *", "America/Nuuk", "2027-03-27T12:00Z", "2027-03-29T12:00Z", ["03-28 01:00", "03-29 00:30"]],
    ["30 23 * * 6", "America/Nuuk", "2027-03-27T12:00Z", "2027-03-29T12:00Z", ["03-28 01:00"]],
    // Samoa skipped the whole of 30 December 2011.
    [
      "0 9 * * *",
      "Pacific/Apia",
      "2011-12-29T12:00Z",
      "2012-01-01T00:00Z",
      ["12-29 19:00", "12-30 10:00", "12-30 19:00", "12-31 19:00"],
    ],
  ] as const;
  it.each(gaps)("%s in %s", (expression, zone, from, to, expected) => {
    expect(fires(expression, zone, from, to)).toEqual(expected);
  });
});

describe("a fixed time that the clock repeats fires once, the first time", () => {
  const overlaps = [
    ["30 1 * * *", "America/New_York", "2026-11-01T00:00Z", "2026-11-01T23:00Z", ["11-01 05:30"]],
    ["30 1,13 * * *", "America/New_York", "2026-11-01T00:00Z", "2026-11-01T23:00Z", ["11-01 05:30", "11-01 18:30"]],
    [
      "0 1,2,3 * * *",
      "America/New_York",
      "2026-11-01T00:00Z",
      "2026-11-01T23:00Z",
      ["11-01 05:00", "11-01 07:00", "11-01 08:00"],
    ],
    ["0-59/30 1 * * *", "America/New_York", "2026-11-01T00:00Z", "2026-11-01T23:00Z", ["11-01 05:00", "11-01 05:30"]],
    ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T23:00Z", ["10-25 00:30"]],
    ["45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00Z", "2027-04-04T12:00Z", ["04-03 14:45"]],
    ["30 23 * * *", "Africa/Cairo", "2026-10-29T12:00Z", "2026-10-30T12:00Z", ["10-29 20:30"]],
    ["0 0 * * *", "Asia/Beirut", "2026-10-24T12:00Z", "2026-10-25T12:00Z", ["10-24 22:00"]],
    ["30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00Z", "2018-02-18T12:00Z", ["02-18 01:30"]],
  ] as const;
  it.each(overlaps)("%s in %s", (expression, zone, from, to, expected) => {
    expect(fires(expression, zone, from, to)).toEqual(expected);
  });
});

describe("if minute or hour begins with *, the schedule follows real time", () => {
  const rows = [
    [
      "nothing at skipped local times",
      "*/30 2 * * *",
      "America/New_York",
      "2027-03-14T00:00Z",
      "2027-03-14T23:00Z",
      [],
    ],
    [
      "nothing at skipped local times",
      "30 */2 * * *",
      "America/New_York",
      "2027-03-14T04:00Z",
      "2027-03-14T09:00Z",
      ["03-14 05:30", "03-14 08:30"],
    ],
    ["? is *", "? 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", []],
    [
      "both passes of a repeated hour",
      "*/30 1 * * *",
      "America/New_York",
      "2026-11-01T00:00Z",
      "2026-11-01T23:00Z",
      ["11-01 05:00", "11-01 05:30", "11-01 06:00", "11-01 06:30"],
    ],
    [
      "both passes of a repeated hour",
      "0 * * * *",
      "Europe/Berlin",
      "2026-10-24T23:30Z",
      "2026-10-25T02:30Z",
      ["10-25 00:00", "10-25 01:00", "10-25 02:00"],
    ],
    [
      "both passes of a repeated half hour",
      "45 * * * *",
      "Australia/Lord_Howe",
      "2027-04-03T14:00Z",
      "2027-04-03T17:00Z",
      ["04-03 14:45", "04-03 15:15", "04-03 16:15"],
    ],
    [
      "every 30 minutes of real time",
      "*/30 * * * *",
      "America/New_York",
      "2027-03-14T06:00Z",
      "2027-03-14T08:00Z",
      ["03-14 06:00", "03-14 06:30", "03-14 07:00", "03-14 07:30", "03-14 08:00"],
    ],
    [
      "only a field's beginning counts: 0,* is a fixed time",
      "0,* 2 * * *",
      "America/New_York",
      "2027-03-14T00:00Z",
      "2027-03-14T23:00Z",
      ["03-14 07:00"],
    ],
    ["*,0 follows real time", "*,0 2 * * *", "America/New_York", "2027-03-14T00:00Z", "2027-03-14T23:00Z", []],
    [
      "nothing ever, where the clock skips every match",
      "* 2 * 3 7L",
      "Europe/Berlin",
      "2027-01-01T00:00Z",
      "2030-01-01T00:00Z",
      [],
    ],
  ] as const;
  it.each(rows)("%s: %s in %s", (_rule, expression, zone, from, to, expected) => {
    expect(fires(expression, zone, from, to)).toEqual(expected);
  });

  it("leaves a zone without clock changes alone", () => {
    expect(fires("30 2 * * *", "Asia/Kolkata", "2027-03-13T20:00Z", "2027-03-15T00:00Z")).toEqual([
      "03-13 21:00",
      "03-14 21:00",
    ]);
  });
});

/** A field of a random expression: its text, and the values it means, known without reading the text. */
type Field = { readonly text: string; readonly values: ReadonlySet<number>; readonly star: boolean };

/** What the clocks show in one minute. `local` counts minutes of local time, so that skips and repeats show. */
type Minute = {
  readonly at: number;
  readonly local: number;
};

function range(from: number, to: number, step = 1): number[] {
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

function field(min: number, max: number): fc.Arbitrary<Field> {
  const value = fc.integer({ min, max });
  const pair = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const step = fc.integer({ min: 2, max: Math.min(20, max - min) });
  const item = fc.oneof(
    { weight: 3, arbitrary: value.map((v) => ({ text: `${v}`, values: [v] })) },
    { weight: 1, arbitrary: pair.map(([a, b]) => ({ text: `${a}-${b}`, values: range(a, b) })) },
    {
      weight: 1,
      arbitrary: fc.tuple(pair, step).map(([[a, b], s]) => ({ text: `${a}-${b}/${s}`, values: range(a, b, s) })),
    },
    { weight: 1, arbitrary: fc.tuple(value, step).map(([a, s]) => ({ text: `${a}/${s}`, values: range(a, max, s) })) },
    { weight: 1, arbitrary: step.map((s) => ({ text: `*/${s}`, values: range(min, max, s) })) },
  );
  const list = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => ({
    text: items.map((i) => i.text).join(","),
    values: new Set(items.flatMap((i) => i.values)),
    star: false,
  }));
  const star = fc.constantFrom("*", "?", "*/1").map((text) => ({ text, values: new Set(range(min, max)), star: true }));
  return fc.oneof({ weight: 3, arbitrary: list }, { weight: 1, arbitrary: star });
}

const always: Field = { text: "*", values: new Set(range(0, 59)), star: true };
const mostly = (rare: fc.Arbitrary<Field>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(always) }, { weight: 1, arbitrary: rare });
const expressionArbitrary = fc.tuple(
  field(0, 59),
  // Most clock changes happen in the first hours or the last.
  fc.oneof(
    field(0, 23),
    fc.constantFrom(0, 1, 2, 3, 23).map((h) => ({ text: `${h}`, values: new Set([h]), star: false })),
  ),
  mostly(field(1, 31)),
  mostly(field(1, 12)),
  mostly(field(0, 6)),
);
type Fields = [Field, Field, Field, Field, Field];

const localClock = (zone: string) =>
  new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });

/** Every minute of three days, the clock change in the middle. */
function minutesAround(zone: string, change: string): Minute[] {
  const middle = Date.parse(change);
  const clock = localClock(zone);
  return range(middle - 1.5 * DAY, middle + 1.5 * DAY, MINUTE).map((at) => {
    const part = new Map(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const get = (name: Intl.DateTimeFormatPartTypes) => part.get(name) ?? Number.NaN;
    return {
      at,
      local: Date.UTC(get("year"), get("month") - 1, get("day"), get("hour"), get("minute")) / MINUTE,
    };
  });
}

function matches([minute, hour, day, month, weekday]: Fields, local: number): boolean {
  const date = new Date(local * MINUTE);
  const dayMatches = day.values.has(date.getUTCDate());
  const weekdayMatches = weekday.values.has(date.getUTCDay());
  return (
    minute.values.has(date.getUTCMinutes()) &&
    hour.values.has(date.getUTCHours()) &&
    month.values.has(date.getUTCMonth() + 1) &&
    (day.star || weekday.star ? dayMatches && weekdayMatches : dayMatches || weekdayMatches)
  );
}

/** The contract's rule, one minute after the other, in the slow and plain way. */
function slowFires(minutes: readonly Minute[], fields: Fields): number[] {
  const realTime = /^[*?]/.test(fields[0].text) || /^[*?]/.test(fields[1].text);
  const due: number[] = [];
  let reached = (minutes[0]?.local ?? 0) - 1;
  for (const { at, local } of minutes) {
    if (realTime) {
      if (matches(fields, local)) due.push(at);
    } else if (range(reached + 1, local).some((passed) => matches(fields, passed))) {
      due.push(at);
    }
    reached = Math.max(reached, local);
  }
  return due;
}

const CHANGES = [
  ["America/New_York", "2027-03-14T07:00Z"],
  ["America/New_York", "2026-11-01T06:00Z"],
  ["Europe/Berlin", "2027-03-28T01:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["Australia/Lord_Howe", "2027-04-03T15:00Z"],
  ["Africa/Cairo", "2026-04-23T22:00Z"],
  ["Africa/Cairo", "2026-10-29T21:00Z"],
  ["Asia/Beirut", "2026-03-28T22:00Z"],
  ["America/Sao_Paulo", "2018-02-18T02:00Z"],
  ["America/Nuuk", "2027-03-28T01:00Z"],
  ["America/Nuuk", "2026-10-25T01:00Z"],
  ["Africa/Casablanca", "2026-02-15T02:00Z"],
  ["Europe/Dublin", "2027-03-28T01:00Z"],
  ["Antarctica/Troll", "2027-03-28T01:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Pacific/Kwajalein", "1993-08-21T12:00Z"],
  ["America/Caracas", "2016-05-01T07:00Z"],
  ["Asia/Kolkata", "2027-03-14T00:00Z"],
] as const;

describe.each(CHANGES)("in %s around %s, cron agrees with a walk over every minute", (zone, change) => {
  const minutes = minutesAround(zone, change);
  const [first, last] = [minutes[0]?.at ?? 0, minutes.at(-1)?.at ?? 0];

  it("forwards, backwards, and from any instant on", () => {
    fc.assert(
      fc.property(
        expressionArbitrary,
        fc.array(fc.integer({ min: first, max: last }), { maxLength: 20 }),
        (fields, starts) => {
          const compiled = compileSchedule(
            { cron: fields.map((f) => f.text).join(" "), timezone: zone },
            { tickAligned: false },
          );
          if (!compiled.ok) {
            expect(compiled.error.map((e) => e.message)).toEqual([expect.stringContaining("never fires")]);
            return;
          }
          const schedule = compiled.value;
          const slow = slowFires(minutes, fields);
          expect(bindFires(schedule, { anchorAt: 0 }).between(first, last, Number.POSITIVE_INFINITY)).toEqual(slow);
          for (const start of [...starts, Date.parse(change) - 1, Date.parse(change)]) {
            const next = bindFires(schedule, { anchorAt: 0 }).next(start);
            expect(next !== null && next <= last ? next : undefined).toBe(slow.find((at) => at > start));
            const previous = bindFires(schedule, { anchorAt: 0 }).last(start);
            expect(previous !== null && previous >= first ? previous : undefined).toBe(
              slow.findLast((at) => at <= start),
            );
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
