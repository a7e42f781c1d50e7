import fc from "fast-check";
import { expect, it } from "vitest";
import { parseCron } from "../../../../src/domain/time/cron-syntax.ts";
import { type CronShape, cronOf, DEFAULT_SHAPE, RHYTHMS, shapeOf } from "../../../../web/src/time/cron-builder.ts";

it.each([
  ["*/15 * * * *", { rhythm: "minutes", step: 15 }],
  ["* * * * *", { rhythm: "minutes", step: 1 }],
  ["@hourly", { rhythm: "hourly", minute: 0 }],
  ["30 2 * * *", { rhythm: "daily", hour: 2, minute: 30 }],
  ["0 9 * * MON-FRI", { rhythm: "weekly", weekdays: [1, 2, 3, 4, 5] }],
  ["0 9 * * 6,7", { rhythm: "weekly", weekdays: [0, 6] }],
  ["0 6 L * *", { rhythm: "monthly", day: "L" }],
])("reads %s into the form", (cron, shape) => {
  expect(shapeOf(cron)).toMatchObject(shape);
});

it.each([
  "0 9-17 * * *",
  "0 9 * 1 *",
  "0 9 1 * 1",
  "*/15 9 * * *",
  "0 9 * * 1#2",
  "0 9 * * 5-1",
  "0 24 * * *",
  "*/0 * * * *",
  "CRON_TZ=UTC 0 9 * * *",
  "",
])("leaves %s to the text field", (cron) => {
  expect(shapeOf(cron)).toBeUndefined();
});

it("reads back every choice it writes, and the API accepts the expression", () => {
  const shapes: fc.Arbitrary<CronShape> = fc.record({
    rhythm: fc.constantFrom(...RHYTHMS),
    step: fc.integer({ min: 1, max: 59 }),
    minute: fc.nat(59),
    hour: fc.nat(23),
    weekdays: fc.uniqueArray(fc.nat(6), { minLength: 1 }).map((days) => days.toSorted((a, b) => a - b)),
    day: fc.oneof(fc.integer({ min: 1, max: 31 }).map(String), fc.constant("L")),
  });
  fc.assert(
    fc.property(shapes, (shape) => {
      const cron = cronOf(shape);
      expect(parseCron(cron).ok).toBe(true);
      expect(cronOf({ ...DEFAULT_SHAPE, ...shapeOf(cron) })).toBe(cron);
    }),
  );
});
