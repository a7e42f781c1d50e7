/** How a loop waits, on timers of the test's. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Nap } from "../../../../durable-objects/shared/wait.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether the wait is over, and the time that has passed when it was. */
function waiting(nap: Nap, now: number, until: number) {
  const wait = { over: false };
  void nap.take(now, until).then(() => {
    wait.over = true;
  });
  return wait;
}

it("ends at its time, with one timer, and leaves none behind", async () => {
  const nap = new Nap();
  const wait = waiting(nap, 0, 100);
  await vi.advanceTimersByTimeAsync(99);
  expect([wait.over, vi.getTimerCount()]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(1);
  expect([wait.over, vi.getTimerCount()]).toEqual([true, 0]);
});

it("ends when woken; the timer serves the next wait where it rings before that one's time, and is set again where not", async () => {
  const nap = new Nap();
  waiting(nap, 0, 100);
  nap.wake();
  const later = waiting(nap, 10, 500);
  expect(vi.getTimerCount()).toBe(1);
  nap.wake();
  const sooner = waiting(nap, 20, 50);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(29);
  expect([later.over, sooner.over]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect([sooner.over, vi.getTimerCount()]).toEqual([true, 0]);
});

it("takes its timer off at the end", () => {
  const nap = new Nap();
  waiting(nap, 0, 1_000);
  nap.wake();
  nap.end();
  expect(vi.getTimerCount()).toBe(0);
});

it("does not rely on a timer that should have rung already: the clock has been set on, or the machine was asleep", async () => {
  const nap = new Nap();
  waiting(nap, 0, 60_000);
  nap.wake();
  const wait = waiting(nap, 3_600_000, 3_600_010);
  await vi.advanceTimersByTimeAsync(10);
  expect(wait.over).toBe(true);
});
