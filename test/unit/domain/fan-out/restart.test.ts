import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeRestart, type Restarts } from "../../../../src/domain/fan-out/restart.ts";

const CALLS = 6;
/** The judgements of restarts at which so many runs were logged, each from the note of the one before. */
function judgedAt(logged: readonly number[]): ReturnType<typeof judgeRestart>[] {
  let before: Restarts = { loggedAtLastStart: 0, restartsWithoutProgress: 0 };
  return logged.map((count) => {
    const judged = judgeRestart(before, count, CALLS);
    before = judged.note;
    return judged;
  });
}

describe("a restart", () => {
  it("is in passing while runs are logged in between", () => {
    const judged = judgedAt([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(judged.every(({ toGiveUp, writeThrough }) => toGiveUp === 0 && !writeThrough)).toBe(true);
  });

  it("has each run written at once from the first one without progress on", () => {
    expect(judgedAt([3, 3, 4]).map(({ writeThrough }) => writeThrough)).toEqual([false, true, false]);
  });

  it("gives up the users being called after five without progress, and then counts from none", () => {
    const judged = judgedAt([2, 2, 2, 2, 2, 2, 2, 2]);
    expect(judged.map(({ toGiveUp }) => toGiveUp)).toEqual([0, 0, 0, 0, 0, CALLS, 0, 0]);
  });

  it("gives up users at most once in five restarts, for any logged runs", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 60 }), (steps) => {
        let logged = 0;
        const judged = judgedAt(steps.map((more) => (logged += more)));
        const given = judged.flatMap(({ toGiveUp }, index) => (toGiveUp > 0 ? [index] : []));
        for (const [index, at] of given.entries()) expect(at - (given[index - 1] ?? -1)).toBeGreaterThanOrEqual(5);
      }),
    );
  });
});
