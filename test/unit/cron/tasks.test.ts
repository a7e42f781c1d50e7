/** Code tasks of the tick are foreign code. If one hangs or throws, the tick still ends and the others run. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runTasks } from "../../../src/cron/tasks.ts";
import { everyMinutes } from "../../../src/hooks/tasks.ts";

const MINUTE_MS = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a task of the tick", () => {
  it("that never ends is given up after ten minutes, and one that throws does not affect the others", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const ran: number[] = [];
    everyMinutes(1, "hangs", () => new Promise<void>(() => undefined));
    everyMinutes(1, "throws", () => {
      throw Object.create(null);
    });
    everyMinutes(1, "works", ({ scheduledTime }) => void ran.push(scheduledTime));
    let hasEnded = false;
    const tick = runTasks(7 * MINUTE_MS).then(() => {
      hasEnded = true;
    });
    await vi.advanceTimersByTimeAsync(9 * MINUTE_MS);
    expect([ran, hasEnded]).toEqual([[7 * MINUTE_MS], false]);
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    await tick;
    const lines = logged.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines.map(({ task, error }) => [task, error])).toEqual([
      ["throws", expect.any(String)],
      ["hangs", "it has not ended within 10m"],
    ]);
  });
});
