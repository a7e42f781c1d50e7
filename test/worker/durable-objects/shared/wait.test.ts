/** The wait of a loop, on the test's timers. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Sleeper } from "../../../../durable-objects/shared/wait.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether the wait is over, and the time that has passed when it was. */
function waiting(sleeper: Sleeper, now: number, until: number) {
  const wait = { over: false };
  void sleeper.sleep(now, until).then(() => {
    wait.over = true;
  });
  return wait;
}

it("ends at its time, with one timer, and leaves none behind", async () => {
  const sleeper = new Sleeper();
  const wait = waiting(sleeper, 0, 100);
  await vi.advanceTimersByTimeAsync(99);
  expect([wait.over, vi.getTimerCount()]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(1);
  expect([wait.over, vi.getTimerCount()]).toEqual([true, 0]);
});

it("ends when woken; its timer serves the next wait if it rings before that wait's end, and is set again if not", async () => {
  const sleeper = new Sleeper();
  waiting(sleeper, 0, 100);
  sleeper.wake();
  const later = waiting(sleeper, 10, 500);
  expect(vi.getTimerCount()).toBe(1);
  sleeper.wake();
  const sooner = waiting(sleeper, 20, 50);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(29);
  expect([later.over, sooner.over]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect([sooner.over, vi.getTimerCount()]).toEqual([true, 0]);
});

it("removes its timer at the end", () => {
  const sleeper = new Sleeper();
  waiting(sleeper, 0, 1_000);
  sleeper.wake();
  sleeper.end();
  expect(vi.getTimerCount()).toBe(0);
});

it("does not rely on a timer that should have rung already, after the clock was set forward or the machine slept", async () => {
  const sleeper = new Sleeper();
  waiting(sleeper, 0, 60_000);
  sleeper.wake();
  const wait = waiting(sleeper, 3_600_000, 3_600_010);
  await vi.advanceTimersByTimeAsync(10);
  expect(wait.over).toBe(true);
});
