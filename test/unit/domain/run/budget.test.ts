import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addSpend,
  dayOf,
  explainUsedUp,
  newlyUsedUp,
  type Spent,
  spentOn,
  usedUp,
} from "../../../../src/domain/run/budget.ts";

const DAY = "2026-11-28";
const NEXT = "2026-11-29";

describe("a day", () => {
  it.each([
    ["UTC where the schedule has no zone", {}, "2026-11-28T23:59:59.999Z", DAY],
    ["the schedule's zone", { timezone: "Europe/Berlin" }, "2026-11-28T23:30:00Z", NEXT],
    ["the zone that cron names", { cron: "CRON_TZ=Asia/Tokyo 0 9 * * *" }, "2026-11-28T15:00:00Z", NEXT],
    ["of 25 hours where the clocks go back", { timezone: "Europe/Berlin" }, "2026-10-25T22:59:59Z", "2026-10-25"],
    ["of 23 hours where they go forward", { timezone: "Europe/Berlin" }, "2026-03-29T22:00:00Z", "2026-03-30"],
  ])("is one of %s", (_, schedule, at, day) => {
    expect(dayOf(schedule, Date.parse(at))).toBe(day);
  });
});

describe("the spend", () => {
  it("is summed by day and in all, to the billionth of a dollar", () => {
    let spent: Spent | undefined;
    for (let i = 0; i < 10; i++) spent = addSpend(spent, { runs: 1, usd: 0.1, tokens: 3 }, DAY);
    expect(spent).toEqual({
      day: DAY,
      today: { runs: 10, usd: 1, tokens: 30 },
      total: { runs: 10, usd: 1, tokens: 30 },
    });
    const next = addSpend(spent, { usd: 2 }, NEXT);
    expect(next.today).toEqual({ runs: 0, usd: 2, tokens: 0 });
    expect(next.total.usd).toBe(3);
    expect(spentOn(next, "2026-11-30").today.usd).toBe(0);
  });

  it("on a day that is over counts only in the total, so a clock that is set back does not reopen a budget", () => {
    const spent = addSpend(addSpend(undefined, { usd: 1 }, NEXT), { usd: 5 }, DAY);
    expect(spent).toMatchObject({ day: NEXT, today: { usd: 1 }, total: { usd: 6 } });
  });
});

describe("a sum beyond the exact numbers", () => {
  it("stays a number that JSON can hold", () => {
    let spent: Spent | undefined;
    for (let i = 0; i < 3; i++) spent = addSpend(spent, { usd: 1e308, tokens: Number.MAX_SAFE_INTEGER }, DAY);
    expect(spent?.total).toEqual({ runs: 0, usd: Number.MAX_SAFE_INTEGER, tokens: Number.MAX_SAFE_INTEGER });
  });
});

describe("a budget", () => {
  const spent = addSpend(undefined, { runs: 10, usd: 5.12, tokens: 999 }, DAY);

  it.each([
    [{ runs_per_day: 10 }, "budget: runs_per_day 10 is used up (10 spent)"],
    [{ usd_per_day: 5 }, "budget: usd_per_day 5 is used up (5.12 spent)"],
    [{ usd_total: 5.12 }, "budget: usd_total 5.12 is used up (5.12 spent)"],
    [{ runs_per_day: 11, usd_per_day: 5.13, tokens_per_day: 1_000, usd_total: 6 }, undefined],
    [{}, undefined],
  ])("of %j", (budget, words) => {
    expect(usedUp(budget, spent, DAY).map(explainUsedUp)[0]).toBe(words);
  });

  it("of a day is available again on the next day, but a total is not", () => {
    const budget = { runs_per_day: 1, usd_total: 5 };
    expect(usedUp(budget, spent, NEXT).map(({ limit }) => limit)).toEqual(["usd_total"]);
  });

  it("is reached once a day, for any steps of spending", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ usd: fc.integer({ min: 0, max: 5 }), day: fc.integer({ min: 1, max: 9 }) })),
        (steps) => {
          const budget = { usd_per_day: 10 };
          const told = new Map<string, number>();
          let before: Spent | undefined;
          for (const { usd, day } of [...steps].sort((a, b) => a.day - b.day)) {
            const on = `2026-11-0${day}`;
            const after = addSpend(before, { usd }, on);
            for (const _ of newlyUsedUp({ budget, spent: before }, { budget, spent: after }, on))
              told.set(on, (told.get(on) ?? 0) + 1);
            before = after;
          }
          for (const [on, times] of told) expect([on, times]).toEqual([on, 1]);
        },
      ),
    );
  });
});
