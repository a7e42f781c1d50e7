/** The errors of recurrence rules (docs/contract.md §13): they name part, value and remedy. */
import { describe, expect, it } from "vitest";
import { parseRule } from "../../../../src/domain/time/rrule-syntax.ts";

const hours = Array.from({ length: 24 }, (_, hour) => hour).join(",");

describe("the error of a wrong rule names its part", () => {
  it.each<[string, string[]]>([
    ["", ["FREQ is missing"]],
    ["FREQ=FORTNIGHTLY", ["FREQ=FORTNIGHTLY is not taken; FREQ takes MINUTELY HOURLY DAILY WEEKLY MONTHLY YEARLY"]],
    ["FREQ=SECONDLY", ['for seconds use {"every": "30s"}']],
    ["FREQ=DAILY;FOO=1", ['"FOO" is not a part of a rule; the parts are FREQ INTERVAL']],
    ["FREQ=DAILY;FREQ=DAILY", ["FREQ is given twice"]],
    ["FREQ=DAILY;BYHOUR", ['"BYHOUR" does not read']],
    ["FREQ=DAILY;INTERVAL=0", ["INTERVAL=0 is out of range; INTERVAL takes 1 to 100000"]],
    ["FREQ=DAILY;INTERVAL=-1", ["INTERVAL=-1 is out of range"]],
    ["FREQ=DAILY;COUNT=0", ["COUNT=0 is out of range"]],
    ["FREQ=DAILY;COUNT=2;UNTIL=20280101T000000Z", ["COUNT and UNTIL exclude each other"]],
    ["FREQ=DAILY;UNTIL=soon", ['UNTIL: "SOON" is not a time']],
    ["FREQ=DAILY;UNTIL=20270230T000000Z", ['UNTIL: "20270230T000000Z" is not a time']],
    [
      "FREQ=MONTHLY;BYMONTHDAY=32",
      ['BYMONTHDAY: "32" is out of range; BYMONTHDAY takes 1 to 31, or -31 to -1 from the end'],
    ],
    ["FREQ=MONTHLY;BYMONTHDAY=0", ['BYMONTHDAY: "0" is out of range']],
    ["FREQ=DAILY;BYHOUR=24,9", ['BYHOUR: "24" is out of range; BYHOUR takes 0 to 23']],
    ["FREQ=DAILY;BYMINUTE=-1", ['BYMINUTE: "-1" is out of range']],
    ["FREQ=DAILY;BYSECOND=60", ['BYSECOND: "60" is out of range']],
    ["FREQ=YEARLY;BYMONTH=13", ['BYMONTH: "13" is out of range']],
    ["FREQ=WEEKLY;BYDAY=MON", ['BYDAY: "MON" is not a weekday; write MO']],
    ["FREQ=WEEKLY;BYDAY=2TU", ['BYDAY: "2TU" goes with FREQ=MONTHLY and YEARLY only; with FREQ=WEEKLY write TU']],
    ["FREQ=MONTHLY;BYDAY=2TUESDAY,XX", ["write 2TU", "BYDAY takes SU MO TU WE TH FR SA"]],
    ["FREQ=WEEKLY;WKST=X", ["WKST=X is not a weekday"]],
    ["FREQ=YEARLY;BYWEEKNO=20", ["BYWEEKNO needs BYDAY"]],
    ["FREQ=MONTHLY;BYWEEKNO=20;BYDAY=MO", ["BYWEEKNO does not go with FREQ=MONTHLY; it goes with YEARLY"]],
    ["FREQ=DAILY;BYYEARDAY=1", ["BYYEARDAY does not go with FREQ=DAILY"]],
    ["FREQ=WEEKLY;BYMONTHDAY=1", ["BYMONTHDAY does not go with FREQ=WEEKLY"]],
    ["FREQ=MONTHLY;BYSETPOS=1", ["BYSETPOS picks from what other BY parts give"]],
    [
      `FREQ=DAILY;BYHOUR=${hours};BYMINUTE=0,10,20,30,40,50`,
      ["BYHOUR and BYMINUTE: 144 times in one period of FREQ=DAILY, at most 100"],
    ],
    [`FREQ=YEARLY;BYDAY=MO,TU`, ["BYDAY: 106 times in one period of FREQ=YEARLY, at most 100"]],
    [`FREQ=DAILY;BYHOUR=${hours},${hours.repeat(10)}`, ["the rule has"]],
    ["DTSTART:20270101T090000Z\nRRULE:FREQ=DAILY", ["schedule.starts_at"]],
    ["DTSTART:20270101T090000Z\nRRULE:FREQ=DAILY", ['"starts_at": "2027-01-01T09:00:00Z"']],
    [
      "DTSTART;TZID=Asia/Tokyo:20270101T090000\nRRULE:FREQ=DAILY",
      [`"starts_at": "2027-01-01T09:00:00+09:00", "timezone": "Asia/Tokyo"`],
    ],
    ["FREQ=DAILY;DTSTART=20270101T090000Z", ['"starts_at": "2027-01-01T09:00:00Z"']],
    ["FREQ=DAILY;TZID=Europe/Berlin", ['write "timezone": "Europe/Berlin"']],
    ["FREQ=DAILY;EXDATE=20271224T140000", ["after a newline, as EXDATE:20271224T140000"]],
    ["FREQ=WEEKLY;BYWEEKDAY=MO,TU", ["write BYDAY=MO,TU"]],
    ["FREQ=BIWEEKLY", ["write FREQ=WEEKLY;INTERVAL=2"]],
    ["FREQ=QUARTERLY", ["write FREQ=MONTHLY;INTERVAL=3"]],
    ["FREQ=DAILY;UNTIL=2027-12-31", ["write UNTIL=20271231"]],
    ["FREQ=DAILY\nEXDATE:20271225", ['e.g. "exclude": ["2027-12-25"]']],
    ["FREQ=DAILY\nEXRULE:FREQ=WEEKLY", ['"EXRULE:FREQ=WEEKLY" does not read']],
    ["FREQ=DAILY\nEXDATE;TZID=Europe/Berlin:20271224T140000", ["EXDATE;TZID=Europe/Berlin is not taken"]],
    ["FREQ=DAILY\nEXDATE:20271224", ["to leave out whole dates use schedule.exclude"]],
    ["FREQ=DAILY;BYHOUR=25;BYDAY=XX;INTERVAL=x", ["INTERVAL=X", 'BYDAY: "XX"', 'BYHOUR: "25"']],
  ])("%s", (text, messages) => {
    const read = parseRule(text);
    expect(read.ok ? [] : read.error).toEqual(messages.map((message) => expect.stringContaining(message)));
  });

  it.each([
    ["rrule:freq=weekly;interval=2;byday=tu;byhour=14;byminute=0"],
    ["FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"],
    ["FREQ=YEARLY;BYMONTH=6,7,8;BYDAY=TH;"],
    ["FREQ=DAILY;UNTIL=20280101"],
    ["FREQ=MONTHLY;BYDAY=-1FR\nEXDATE:20271224T140000,20271231T140000Z\nRDATE:20270101T000000Z\n"],
  ])("%s is taken", (text) => {
    expect(parseRule(text).ok).toBe(true);
  });
});
