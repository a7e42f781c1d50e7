import { describe, expect, it } from "vitest";
import {
  answered,
  type Beat,
  beatView,
  beginDeciding,
  decided,
  decidedWrongly,
  failedForNow,
  foldIdle,
  idleBeat,
  interrupted,
  notifiedAll,
} from "../../../../src/domain/heartbeat/beat.ts";
import { compiled, every, first, MINUTE, run, T } from "./heartbeat-fixture.ts";

describe("a beat", () => {
  it("goes from the decision to the answer to the notifiers, and records each step", () => {
    const executing = decided(beginDeciding(first()), run, { input: 10, output: 2 }, T + 1_000);
    expect(executing).toMatchObject({ phase: "executing", decision: run });
    const notifying = answered(executing, " You have mail.\n", { input: 50, output: 9 }, T + 2_000);
    expect(notifying).toMatchObject({ phase: "notifying", answer: "You have mail." });
    const ended = notifiedAll(notifying, [{ type: "slack", ok: true }], T + 3_100);
    expect(beatView(ended)).toEqual({
      id: "main-s1",
      trigger: "schedule",
      status: "ended",
      outcome: "executed",
      decision: run,
      answer: "You have mail.",
      notified: [{ type: "slack", ok: true }],
      tokens: { decision: { input: 10, output: 2 }, main: { input: 50, output: 9 } },
      scheduled_at: "2026-11-23T09:00:00.000Z",
      started_at: "2026-11-23T09:00:00.100Z",
      finished_at: "2026-11-23T09:00:03.100Z",
      duration: "3s",
      attempt: 1,
    });
  });

  it("has no outcome while it runs", () => {
    expect(beatView(beginDeciding(first()))).toMatchObject({ status: "running" });
    expect(beatView(beginDeciding(first()))).not.toHaveProperty("outcome");
  });

  it("ends as skipped with the decision's reason", () => {
    const skip = { action: "skip", reason: "Nothing is due." } as const;
    expect(decided(beginDeciding(first()), skip, undefined, T)).toMatchObject({
      phase: "ended",
      outcome: "skipped",
      reason: skip.reason,
      decision: skip,
    });
  });

  it("with an empty answer is executed, and nobody is notified", () => {
    const ended = answered(decided(first(), run, undefined, T), " \n", undefined, T);
    expect(ended).toMatchObject({ phase: "ended", outcome: "executed" });
    expect(ended).not.toHaveProperty("answer");
  });

  it("with one failing notifier is an error that keeps the answer and says who was notified", () => {
    const notified = [
      { type: "webhook", ok: false, error: "the webhook answered 500" } as const,
      { type: "slack", ok: true } as const,
    ];
    const ended = notifiedAll(answered(decided(first(), run, undefined, T), "Hi", undefined, T), notified, T);
    expect(ended).toMatchObject({ outcome: "error", answer: "Hi", notified });
    expect(ended.error).toContain("webhook: the webhook answered 500");
    expect(ended).not.toHaveProperty("retryAt");
  });

  it("keeps the text written in place of a decision, and at most 16 KiB of the answer", () => {
    const wrong = decidedWrongly(first(), "é".repeat(5_000), "no JSON", undefined, T);
    expect(wrong).toMatchObject({ outcome: "error", error: "no JSON", decisionText: "é".repeat(2_048) });
    const long = answered(decided(first(), run, undefined, T), "é".repeat(10_000), undefined, T);
    expect(long).toMatchObject({ answer: "é".repeat(8_192), answerTruncated: true });
  });
});

describe("a failure that may pass", () => {
  it.each([
    ["30m", 100, MINUTE],
    ["1m", 100, 30_000],
    ["2m", 10_000, MINUTE],
  ])(
    "of a beat every %s is tried again %i ms on, after %i ms: a minute, or half the interval",
    (text, elapsed, delay) => {
      const everyMs = compiled({ every: text }).everyMs;
      expect(failedForNow(first(), "x", everyMs, T + elapsed).retryAt).toBe(T + elapsed + delay);
    },
  );

  it("is not tried again once the next beat would be due", () => {
    expect(failedForNow(first(), "x", MINUTE, T + 30_000)).not.toHaveProperty("retryAt");
    expect(failedForNow(first(), "x", every, T + 29.5 * MINUTE)).not.toHaveProperty("retryAt");
  });

  it("is tried again once, not twice, and not for a beat by hand", () => {
    expect(failedForNow(first({ attempt: 2 }), "x", every, T)).not.toHaveProperty("retryAt");
    expect(failedForNow(first({ trigger: "manual" }), "x", every, T)).not.toHaveProperty("retryAt");
  });
});

describe("a beat that a kill left behind", () => {
  it("is tried again if the main model was not asked yet", () => {
    const beat = interrupted(beginDeciding(first()), every, T + 1_000);
    expect(beat).toMatchObject({ outcome: "error", retryAt: T + 1_000 + MINUTE });
    expect(beat.error).toMatch(/^interrupted/);
  });

  it("is not tried again after that, and keeps its decision and answer", () => {
    const executing = decided(first(), run, undefined, T);
    const notifying = answered(executing, "Hi", undefined, T);
    for (const beat of [interrupted(executing, every, T), interrupted(notifying, every, T)]) {
      expect(beat).toMatchObject({ phase: "ended", outcome: "error", decision: run });
      expect(beat.error).toMatch(/^interrupted/);
      expect(beat).not.toHaveProperty("retryAt");
    }
    expect(interrupted(notifying, every, T).answer).toBe("Hi");
  });
});

describe("the log of idle beats", () => {
  const idle = (k: number, reason: string, trigger: "schedule" | "manual" = "schedule"): Beat => {
    const at = T + k * every;
    return idleBeat(
      { id: `main-s${k}`, seq: k, trigger, dueAt: at, handledAt: at },
      { outcome: "empty", reason },
      at + 5,
    );
  };

  it("is one entry for equal beats in a row, with their number, the first and the last, and keeps the cadence", () => {
    const entries: Beat[] = [];
    for (let k = 1; k <= 1_000; k++) {
      const next = idle(k, "the document is empty");
      const folded = foldIdle(entries.at(-1), next);
      if (folded === undefined) entries.push(next);
      else entries[entries.length - 1] = folded;
    }
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ count: 1_000, handledAt: T + 1_000 * every });
    expect(beatView(entries[0] ?? first())).toMatchObject({
      outcome: "empty",
      count: 1_000,
      first_at: new Date(T + every + 5).toISOString(),
      last_at: new Date(T + 1_000 * every + 5).toISOString(),
    });
  });

  it("keeps apart what differs: the reason, a beat by hand, a skip by decision", () => {
    expect(foldIdle(idle(1, "a"), idle(2, "b"))).toBeUndefined();
    expect(foldIdle(idle(1, "a"), idle(2, "a", "manual"))).toBeUndefined();
    expect(foldIdle(idle(1, "a", "manual"), idle(2, "a", "manual"))).toBeUndefined();
    const skipped = decided(first(), { action: "skip", reason: "a" }, undefined, T);
    expect(foldIdle(skipped, { ...skipped, seq: 8 })).toBeUndefined();
    expect(foldIdle(undefined, idle(1, "a"))).toBeUndefined();
  });
});
