/** Cron expressions (docs/contract.md §1): what is accepted, its meaning in UTC, and the errors of wrong ones. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calendarOf } from "../../../../src/domain/time/cron.ts";
import { parseCron } from "../../../../src/domain/time/cron-syntax.ts";
import { Effort } from "../../../../src/domain/time/effort.ts";

/** The next `count` matches in local time after 2027-01-01 (a Friday), as `YYYY-MM-DD hh:mm`. */
function matches(expression: string, count: number): string[] {
  const read = parseCron(expression);
  if (!read.ok) throw new Error(read.error.join());
  const calendar = calendarOf(read.value);
  const found: string[] = [];
  let local: number | null = Date.parse("2027-01-01T00:00Z") - 1;
  for (let i = 0; i < count && calendar !== null && local !== null; i++) {
    local = calendar.next(local, new Effort());
    if (local !== null) found.push(new Date(local).toISOString().slice(0, 16).replace("T", " "));
  }
  return found;
}

describe("what an expression means", () => {
  it.each([
    ["0 9 * * 1-5", ["2027-01-01 09:00", "2027-01-04 09:00"]],
    ["0 9 * * MON-fri", ["2027-01-01 09:00", "2027-01-04 09:00"]],
    ["  0\t9  *  *  * ", ["2027-01-01 09:00"]],
    ["*/15 * * * *", ["2027-01-01 00:00", "2027-01-01 00:15"]],
    ["5/10 * * * *", ["2027-01-01 00:05", "2027-01-01 00:15", "2027-01-01 00:25"]],
    ["10-30/10 0 1 * *", ["2027-01-01 00:10", "2027-01-01 00:20", "2027-01-01 00:30", "2027-02-01 00:10"]],
    ["5,1,5 0 1 * *", ["2027-01-01 00:01", "2027-01-01 00:05", "2027-02-01 00:01"]],
    ["0 0 1 jan-mar,DEC *", ["2027-01-01 00:00", "2027-02-01 00:00", "2027-03-01 00:00", "2027-12-01 00:00"]],
    ["0 0 1 6/4 *", ["2027-06-01 00:00", "2027-10-01 00:00", "2028-06-01 00:00"]],
    ["0 0 * * 0", ["2027-01-03 00:00", "2027-01-10 00:00"]],
    ["0 0 * * 7", ["2027-01-03 00:00", "2027-01-10 00:00"]],
    ["0 0 * * SUN", ["2027-01-03 00:00", "2027-01-10 00:00"]],
    ["0 0 * * 5-7", ["2027-01-01 00:00", "2027-01-02 00:00", "2027-01-03 00:00", "2027-01-08 00:00"]],
    ["0 0 * * FRI-SUN", ["2027-01-01 00:00", "2027-01-02 00:00", "2027-01-03 00:00", "2027-01-08 00:00"]],
    ["0 0 * * SUN-TUE", ["2027-01-03 00:00", "2027-01-04 00:00", "2027-01-05 00:00", "2027-01-10 00:00"]],
    ["0 0 * * SUN-SUN", ["2027-01-03 00:00", "2027-01-10 00:00"]],
    ["0 0 * * 4/2", ["2027-01-02 00:00", "2027-01-07 00:00"]],
    ["0 0 * * 7/2", ["2027-01-02 00:00", "2027-01-03 00:00", "2027-01-05 00:00", "2027-01-07 00:00"]],
    ["0 0 * * SUN/3", ["2027-01-02 00:00", "2027-01-03 00:00", "2027-01-06 00:00"]],
    ["0 0 ? * ?", ["2027-01-01 00:00", "2027-01-02 00:00"]],
    ["0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]],
    ["0 0 31 * *", ["2027-01-31 00:00", "2027-03-31 00:00"]],
    ["0 0 L * *", ["2027-01-31 00:00", "2027-02-28 00:00"]],
    ["0 0 15,L * *", ["2027-01-15 00:00", "2027-01-31 00:00", "2027-02-15 00:00", "2027-02-28 00:00"]],
    ["0 0 LW * *", ["2027-01-29 00:00", "2027-02-26 00:00", "2027-03-31 00:00"]],
    ["0 0 wl * *", ["2027-01-29 00:00"]],
    [
      "0 0 15W * *",
      ["2027-01-15 00:00", "2027-02-15 00:00", "2027-03-15 00:00", "2027-04-15 00:00", "2027-05-14 00:00"],
    ],
    [
      "0 0 1W * *",
      ["2027-01-01 00:00", "2027-02-01 00:00", "2027-03-01 00:00", "2027-04-01 00:00", "2027-05-03 00:00"],
    ],
    ["0 0 1W,15W 5 *", ["2027-05-03 00:00", "2027-05-14 00:00"]],
    ["0 0 * * 5L", ["2027-01-29 00:00", "2027-02-26 00:00"]],
    ["0 0 * * fril", ["2027-01-29 00:00", "2027-02-26 00:00"]],
    ["0 0 * * MON#2", ["2027-01-11 00:00", "2027-02-08 00:00"]],
    ["0 0 * * 7#1,MON#3", ["2027-01-03 00:00", "2027-01-18 00:00", "2027-02-07 00:00"]],
    ["0 0 * * 5#5", ["2027-01-29 00:00", "2027-04-30 00:00"]],
    // Both day fields restricted: either one matching fires.
    ["0 0 13 * FRI", ["2027-01-01 00:00", "2027-01-08 00:00", "2027-01-13 00:00", "2027-01-15 00:00"]],
    ["0 0 L * MON#1", ["2027-01-04 00:00", "2027-01-31 00:00", "2027-02-01 00:00"]],
    [
      "0 0 */10 * MON",
      ["2027-01-01 00:00", "2027-01-04 00:00", "2027-01-11 00:00", "2027-01-18 00:00", "2027-01-21 00:00"],
    ],
    ["0 0 30 2 MON", ["2027-02-01 00:00", "2027-02-08 00:00"]],
    // A star restricts nothing, with any value beside it and with a step of 1.
    ["0 0 */1 * MON", ["2027-01-04 00:00", "2027-01-11 00:00"]],
    ["0 0 1,* * MON", ["2027-01-04 00:00", "2027-01-11 00:00"]],
    ["@yearly", ["2027-01-01 00:00", "2028-01-01 00:00"]],
    ["@annually", ["2027-01-01 00:00", "2028-01-01 00:00"]],
    ["@monthly", ["2027-01-01 00:00", "2027-02-01 00:00"]],
    ["@weekly", ["2027-01-03 00:00", "2027-01-10 00:00"]],
    ["@daily", ["2027-01-01 00:00", "2027-01-02 00:00"]],
    ["@Midnight", ["2027-01-01 00:00", "2027-01-02 00:00"]],
    ["@hourly", ["2027-01-01 00:00", "2027-01-01 01:00"]],
  ])("%s", (expression, expected) => {
    expect(matches(expression, expected.length)).toEqual(expected);
  });

  it.each([["0 0 30 2 *"], ["0 0 31 4,6,9,11 *"], ["0 0 30-31 2 ?"], ["0 0 31W 2 *"]])(
    "%s never matches",
    (expression) => {
      const read = parseCron(expression);
      expect(read.ok && calendarOf(read.value)).toBeNull();
    },
  );
});

describe("a leading CRON_TZ or TZ names the zone", () => {
  it.each([
    ["CRON_TZ=Asia/Tokyo 0 9 * * *", "Asia/Tokyo"],
    ["TZ=europe/berlin  @daily", "Europe/Berlin"],
    ["0 9 * * *", undefined],
  ])("%s", (expression, zone) => {
    const read = parseCron(expression);
    expect(read.ok ? read.value.timeZone : read.error).toBe(zone);
  });
});

describe("an expression is at fixed times unless its minute or hour field begins with *", () => {
  it.each([
    ["30 2 * * *", true],
    ["30 2,14 * * *", true],
    ["0-59/5 2 * * *", true],
    ["5/10 2 * * *", true],
    ["0,* 2 * * *", true],
    ["@daily", true],
    ["* 2 * * *", false],
    ["*/15 2 * * *", false],
    ["*,5 2 * * *", false],
    ["30 * * * *", false],
    ["30 */2 * * *", false],
    ["? 2 * * *", false],
    ["@hourly", false],
  ])("%s: %s", (expression, fixedTime) => {
    const read = parseCron(expression);
    expect(read.ok ? read.value.fixedTime : read.error).toBe(fixedTime);
  });
});

describe("the error of a wrong expression names field, value, range and remedy", () => {
  it.each([
    ["60 * * * *", ['minute "60" is not allowed; minute takes 0-59']],
    ["0 24 * * *", ['hour "24" is not allowed; hour takes 0-23']],
    ["0 0 32 * *", ['day of month "32" is not allowed; day of month takes 1-31']],
    ["0 0 0 * *", ['day of month "0" is not allowed; day of month takes 1-31']],
    ["0 0 * 13 *", ['month "13" is not allowed; month takes 1-12 or JAN-DEC']],
    ["0 0 * * 8", ['day of week "8" is not allowed; day of week takes 0-7 or SUN-SAT']],
    ["0 0 * MON *", ['month "MON" is not allowed; month takes 1-12 or JAN-DEC']],
    ["0 0 * * MONDAY", ['day of week "MONDAY" is not allowed; day of week takes 0-7 or SUN-SAT']],
    ["H 0 * * *", ['minute "H" is not allowed; minute takes 0-59']],
    ["0 0 * * +1", ['day of week "+1" is not allowed; day of week takes 0-7 or SUN-SAT']],
    ["1-70 * * * *", ['minute "1-70": "70" is not allowed; minute takes 0-59']],
    ["1,,2 * * * *", ['minute "": a value is missing; minute takes 0-59; write e.g. "*/15"']],
    ["/5 * * * *", ['minute "/5": it does not read; minute takes 0-59; write e.g. "*/15"']],
    ["*/0 * * * *", ['minute "*/0": a step must be 1-60; minute takes 0-59; write e.g. "*/15"']],
    ["*/x * * * *", ['minute "*/X": the step "X" is not a number; minute takes 0-59; write e.g. "*/15"']],
    [
      "*/90 * * * *",
      [
        'minute "*/90": a step must be 1-60; minute takes 0-59; write e.g. "*/15"; for an interval use {"every": "90m"}',
      ],
    ],
    ["0 22-2 * * *", ['hour "22-2": the range runs backwards; hour takes 0-23; write "22-23,0-2"']],
    ["0 0 * NOV-FEB *", ['month "NOV-FEB": the range runs backwards; month takes 1-12 or JAN-DEC; write "11-12,1-2"']],
    [
      "0 0 * * FRI-MON",
      ['day of week "FRI-MON": the range runs backwards; day of week takes 0-7 or SUN-SAT; write "5-6,0-1"'],
    ],
    ["0 0 * * 7-2", ['day of week "7-2": the range runs backwards; day of week takes 0-7 or SUN-SAT; write "0-2"']],
    ["0 0 * * 6-0", ['day of week "6-0": the range runs backwards; day of week takes 0-7 or SUN-SAT; write "6,0"']],
    [
      "0 0 L-3 * *",
      ['day of month "L-3": days before the last cannot be counted; day of month takes 1-31; use "L" or "LW"'],
    ],
    ["0 0 LW,1 * *", ['day of month "LW,1": LW cannot stand in a list; day of month takes 1-31']],
    ["0 0 32W * *", ['day of month "32W": W follows one day; day of month takes 1-31; write e.g. "15W"']],
    [
      "0 0 * * L",
      ['day of week "L": L follows a weekday; day of week takes 0-7 or SUN-SAT; write e.g. "5L" for the last Friday'],
    ],
    [
      "0 0 * * 1#6",
      [
        'day of week "1#6": # takes one weekday and 1-5, L one weekday; day of week takes 0-7 or SUN-SAT; write e.g. "FRI#2" or "5L"',
      ],
    ],
    ["61 25 * * *", ['minute "61" is not allowed; minute takes 0-59', 'hour "25" is not allowed; hour takes 0-23']],
    [
      "TZ=Mars/Olympus 61 * * * *",
      [
        expect.stringContaining('"Mars/Olympus" is not a known time zone'),
        'minute "61" is not allowed; minute takes 0-59',
      ],
    ],
    ["0 0 9 * * 1-5", [expect.stringMatching(/has 6 fields.*no seconds; drop the first field \("0 9 \* \* 1-5"\)/)]],
    ["0 9 * * 1 2027", [expect.stringMatching(/has 6 fields.*no year; drop it \("0 9 \* \* 1"\)/)]],
    ["* * * *", [expect.stringContaining("has 4 fields, but a cron expression has five fields: minute hour")]],
    ["daily", [expect.stringContaining("has 1 field,")]],
    ["   ", [expect.stringContaining("the cron expression is empty")]],
    ["CRON_TZ=Asia/Tokyo", [expect.stringContaining("the cron expression is empty")]],
    ["@every 5m", ['"@every 5m" is not taken as cron; use {"every": "5m"} instead of cron']],
    ["@reboot", [expect.stringContaining("nothing here reboots")]],
    [
      "@fortnightly",
      [expect.stringContaining("there are @yearly @annually @monthly @weekly @daily @midnight @hourly")],
    ],
    ["2026-12-25T00:00:00Z", [expect.stringContaining('to fire once use {"at": "2027-01-15T14:30:00Z"}')]],
  ])("%j", (expression, errors) => {
    expect(parseCron(expression)).toEqual({ ok: false, error: errors });
  });

  it("is never thrown, for any text", () => {
    const token = fc.constantFrom(
      ..."* ? / - , # L W LW MON SUN JAN 0 1 5 7 12 31 59 60 @daily TZ= + .".split(" "),
      " ",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(token, { maxLength: 20 }).map((tokens) => tokens.join("")),
    );
    const fiveFields = fc
      .array(fc.array(token, { minLength: 1, maxLength: 4 }), { minLength: 5, maxLength: 5 })
      .map((fields) => fields.map((field) => field.join("").replaceAll(" ", "")).join(" "));
    fc.assert(
      fc.property(fc.oneof(text, fiveFields), (expression) => {
        const read = parseCron(expression);
        // croner accepts everything that we accept.
        if (read.ok) calendarOf(read.value);
        else expect(read.error.length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a walk over a calendar", () => {
  it("finds the same as a separate question for each time", () => {
    for (const text of ["*/15 * * * *", "7,31 3,23 * * 1", "0 0 29 2 *", "59 23 L * *", "* 0 1 1 *"]) {
      const parsed = parseCron(text);
      if (!parsed.ok) throw new Error(text);
      const walking = calendarOf(parsed.value);
      let at: number | null = Date.UTC(2026, 10, 28, 23, 44, 30);
      for (let i = 0; i < 200 && at !== null; i++) {
        // Now and then it looks back, or asks from the middle of a minute.
        const from: number = i % 7 === 0 ? at - 3 * 3_600_000 - 1 : at;
        const alone = calendarOf(parsed.value)?.next(from, new Effort());
        const found = walking?.next(from, new Effort());
        expect(found).toBe(alone);
        at = i % 7 === 0 ? (walking?.next(at, new Effort()) ?? null) : (found ?? null);
      }
    }
  });
});
