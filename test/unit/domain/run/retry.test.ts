import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseBackoffMs, decideRetry, MAX_RETRY_AFTER_MS } from "../../../../src/domain/run/retry.ts";
import { parseRetryAfter } from "../../../../src/outbound/retry-after.ts";

/** The contract's defaults, with attempts enough to reach the limit. */
const policy = { maxAttempts: 10, minBackoffMs: 5_000, maxBackoffMs: 600_000 };
const anyPolicy = fc
  .record({ maxAttempts: fc.integer({ min: 1, max: 10 }), low: fc.nat(604_800_000), high: fc.nat(604_800_000) })
  .map(({ maxAttempts, low, high }) => ({
    maxAttempts,
    minBackoffMs: Math.min(low, high),
    maxBackoffMs: Math.max(low, high),
  }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("backoff", () => {
  it.each([
    [1, 5_000],
    [2, 10_000],
    [3, 20_000],
    [4, 40_000],
    [5, 80_000],
    [6, 160_000],
    [7, 320_000],
    [8, 400_000],
    [9, 400_000],
  ])("after attempt %i is %i ms before jitter: doubled each time up to two thirds of the limit", (attempt, baseMs) => {
    expect(baseBackoffMs(attempt, policy)).toBe(baseMs);
    expect(decideRetry({ attempt, policy, random: 0 })).toEqual({ retry: true, delayMs: baseMs });
  });

  it.each([
    [1, 7_500],
    [7, 480_000],
    [8, 600_000],
  ])("after attempt %i is at most %i ms with jitter", (attempt, topMs) => {
    expect(decideRetry({ attempt, policy, random: 1 - Number.EPSILON })).toEqual({ retry: true, delayMs: topMs });
  });

  it("lies between min_backoff and max_backoff for every policy, attempt and random number", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 9 }), random, (any, attempt, drawn) => {
        const decision = decideRetry({ attempt, policy: { ...any, maxAttempts: 10 }, random: drawn });
        if (!decision.retry) throw new Error("an attempt was left");
        expect(decision.delayMs).toBeGreaterThanOrEqual(any.minBackoffMs);
        expect(decision.delayMs).toBeLessThanOrEqual(any.maxBackoffMs);
        expect(Number.isInteger(decision.delayMs)).toBe(true);
      }),
    );
  });

  it("ends after max_attempts attempts", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 20 }), random, (any, attempt, drawn) => {
        expect(decideRetry({ attempt, policy: any, random: drawn }).retry).toBe(attempt < any.maxAttempts);
      }),
    );
  });
});

describe("Retry-After", () => {
  it.each([
    ["shorter than the backoff: the backoff stands", 1_000, 5_000],
    ["longer than the backoff: it stands", 60_000, 60_000],
    ["longer than max_backoff: it stands", 3_600_000, 3_600_000],
    ["longer than a day: taken as a day", 10 * MAX_RETRY_AFTER_MS, MAX_RETRY_AFTER_MS],
    ["of no time", 0, 5_000],
    ["negative", -60_000, 5_000],
  ])("%s", (_case, retryAfterMs, delayMs) => {
    expect(decideRetry({ attempt: 1, policy, retryAfterMs, random: 0 })).toEqual({ retry: true, delayMs });
  });

  it("is a minimum to which jitter is added, so that runs with the same Retry-After do not return together", () => {
    expect(decideRetry({ attempt: 1, policy, retryAfterMs: 60_000, random: 0.5 })).toEqual({
      retry: true,
      delayMs: 61_250,
    });
  });

  it("allows no attempt beyond max_attempts", () => {
    const once = { ...policy, maxAttempts: 1 };
    expect(decideRetry({ attempt: 1, policy: once, retryAfterMs: 1_000, random: 0 })).toEqual({ retry: false });
  });

  const now = Date.UTC(2026, 10, 23, 9, 0, 0);
  it.each([
    ["120", 120_000],
    ["0", 0],
    [" 7 ", 7_000],
    ["99999999999999999999", Number.MAX_SAFE_INTEGER],
    ["Mon, 23 Nov 2026 09:00:30 GMT", 30_000],
    ["Monday, 23-Nov-26 09:00:30 GMT", 30_000],
    ["Mon Nov 23 09:00:30 2026", 30_000],
    ["Tue Dec  1 09:00:00 2026", 8 * 86_400_000],
    ["Thu, 31 Dec 2026 23:59:60 GMT", Date.UTC(2027, 0, 1) - now],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
    [null, null],
    ["", null],
    ["-5", null],
    ["1.5", null],
    ["1e3", null],
    ["soon", null],
    ["2026-11-23T09:00:30Z", null],
    ["Mon, 23 Nov 2026 09:00:30 CET", null],
    ["Mon, 23 Nov 2026 24:00:30 GMT", null],
    ["Mon, 31 Nov 2026 09:00:30 GMT", null],
    ["Mon, 00 Nov 2026 09:00:30 GMT", null],
  ])("reads %j as RFC 9110 has it", (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms);
  });

  it("is never negative, for any header", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.date({ noInvalidDate: true }).map((d) => d.toUTCString()),
        ),
        (header) => {
          expect(parseRetryAfter(header, now) ?? 0).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});
