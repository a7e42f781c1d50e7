import { describe, expect, it } from "vitest";
import {
  IDLE_WAKE_WINDOW_MS,
  type IdleWakes,
  judgeIdleWake,
  MAX_IDLE_WAKES,
} from "../../../../src/domain/limits/breaker.ts";

const T0 = Date.UTC(2026, 10, 23);

function wake(times: number, everyMs: number) {
  let idleWakes: IdleWakes | undefined;
  for (let i = 0; i < times; i++) {
    const verdict = judgeIdleWake(idleWakes, T0 + i * everyMs);
    if (verdict.tripped) return { trippedAt: i + 1, reason: verdict.reason };
    idleWakes = verdict.idleWakes;
  }
  return { trippedAt: undefined, reason: undefined };
}

describe("the alarm breaker", () => {
  it("trips on one idle wake too many in an hour, and says why", () => {
    const { trippedAt, reason } = wake(1_000, 1_000);
    expect(trippedAt).toBe(MAX_IDLE_WAKES + 1);
    expect(reason).toContain("101 times within an hour");
  });

  it("does not trip on idle wakes that are far apart", () => {
    expect(wake(1_000, IDLE_WAKE_WINDOW_MS / MAX_IDLE_WAKES).trippedAt).toBeUndefined();
  });
});
