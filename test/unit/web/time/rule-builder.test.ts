/** The form for recurrence rules. It writes valid rules and reads them back. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRule } from "../../../../src/domain/time/rrule-syntax.ts";
import {
  DEFAULT_RULE,
  RULE_RHYTHMS,
  type RuleShape,
  ruleOf,
  ruleShapeOf,
  WEEKDAY_CODES,
} from "../../../../web/src/time/rule-builder.ts";

const two = (value: number) => String(value).padStart(2, "0");
const shapes: fc.Arbitrary<RuleShape> = fc.record({
  rhythm: fc.constantFrom(...RULE_RHYTHMS),
  interval: fc.integer({ min: 1, max: 30 }),
  weekdays: fc
    .uniqueArray(fc.constantFrom(...WEEKDAY_CODES), { minLength: 1 })
    .map((days) => WEEKDAY_CODES.filter((day) => days.includes(day))),
  nth: fc.constantFrom(1, 2, 3, 4, -1),
  weekday: fc.constantFrom(...WEEKDAY_CODES),
  time: fc.tuple(fc.nat(23), fc.nat(59)).map(([hour, minute]) => `${two(hour)}:${two(minute)}`),
});

describe("a shape", () => {
  it("is written as a rule and read back, except for what its rhythm does not use", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const rule = ruleOf(shape);
        expect(parseRule(rule).ok).toBe(true);
        const { weekdays, nth, weekday } = shape;
        const used = {
          ...(shape.rhythm === "WEEKLY" ? { weekdays } : {}),
          ...(shape.rhythm === "MONTHLY" ? { nth, weekday } : {}),
        };
        const { rhythm, interval, time } = shape;
        expect(ruleShapeOf(rule)).toEqual({ ...DEFAULT_RULE, rhythm, interval, time, ...used });
      }),
    );
  });

  it.each([
    ["FREQ=DAILY"],
    ["FREQ=HOURLY;BYMINUTE=0"],
    ["FREQ=WEEKLY;BYHOUR=9;BYMINUTE=0"],
    ["FREQ=WEEKLY;BYDAY=TU;BYHOUR=9,10;BYMINUTE=0"],
    ["FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=9;BYMINUTE=0"],
    ["FREQ=WEEKLY;BYDAY=TU;BYHOUR=9;BYMINUTE=0;COUNT=3"],
    ["FREQ=WEEKLY;BYDAY=TU;BYHOUR=9;BYMINUTE=0\nEXDATE:20270101T090000"],
    ["FREQ=WEEKLY;BYDAY=XX;BYHOUR=9;BYMINUTE=0"],
    [""],
  ])("does not exist for %j, which is edited as text", (rule) => {
    expect(ruleShapeOf(rule)).toBeUndefined();
  });
});
