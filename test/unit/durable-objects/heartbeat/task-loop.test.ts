import { expect, it } from "vitest";
import { TaskLoop } from "../../../../durable-objects/heartbeat/task-loop.ts";
import type { IntervalTask } from "../../../../src/hooks/tasks.ts";

const T = Date.UTC(2026, 10, 23, 9);
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function loopOf(...tasks: IntervalTask[]) {
  const reports: string[] = [];
  const loop = new TaskLoop(
    () => tasks,
    (task, reason) => reports.push(`${task}: ${reason}`),
  );
  return { loop, reports };
}

it("runs each task at every interval from the first look on, with its due time", async () => {
  const ran: number[] = [];
  const { loop } = loopOf({ name: "t", everyMs: 30_000, run: ({ scheduledTime }) => void ran.push(scheduledTime - T) });
  expect(loop.run(T)).toBe(T + 30_000);
  expect(loop.run(T + 29_999)).toBe(T + 30_000);
  expect(loop.run(T + 30_004)).toBe(T + 60_000);
  await settled();
  expect(loop.run(T + 60_000)).toBe(T + 90_000);
  await settled();
  expect(ran).toEqual([30_000, 60_000]);
});

it("runs a task once that was due several times, and returns the earliest time of all tasks", async () => {
  const ran: string[] = [];
  const { loop } = loopOf(
    { name: "a", everyMs: 1_000, run: () => void ran.push("a") },
    { name: "b", everyMs: 7_000, run: () => void ran.push("b") },
  );
  expect(loop.run(T)).toBe(T + 1_000);
  expect(loop.run(T + 6_500)).toBe(T + 7_000);
  await settled();
  expect(ran).toEqual(["a"]);
});

it("skips a task that is still running, runs the others, and reports what a task throws", async () => {
  const slow = Promise.withResolvers<void>();
  let slowRuns = 0;
  let others = 0;
  const { loop, reports } = loopOf(
    {
      name: "slow",
      everyMs: 1_000,
      run: () => {
        slowRuns++;
        return slow.promise;
      },
    },
    {
      name: "wrong",
      everyMs: 1_000,
      run: () => {
        others++;
        throw new Error("boom");
      },
    },
  );
  loop.run(T);
  for (const at of [1_000, 2_000, 3_000]) {
    loop.run(T + at);
    await settled();
  }
  expect([slowRuns, others]).toEqual([1, 3]);
  expect(reports).toEqual(["wrong: Error: boom", "wrong: Error: boom", "wrong: Error: boom"]);
  slow.resolve();
  await settled();
  loop.run(T + 4_000);
  expect(slowRuns).toBe(2);
});

it("begins a new count when the clock is set back, and has nothing to do without tasks", () => {
  const { loop } = loopOf({ name: "t", everyMs: 10_000, run: () => undefined });
  loop.run(T);
  expect(loop.run(T - 3_600_000)).toBe(T - 3_600_000 + 10_000);
  expect(loopOf().loop.run(T)).toBeUndefined();
});
