/** The steps of a wake for a fan-out. It feeds, then settles, and rests before its time or its calls are used up. */
import { expect, it } from "vitest";
import { MAX_FEED_MS, MAX_PAGES_PER_WAKE, nextStep } from "../../../../src/domain/fan-out/next-step.ts";

const NOW = Date.UTC(2026, 10, 28);
const source = { handed: 0, failures: 0, done: false };
const fanOut = { source, activeShards: [0, 1, 2], shards: 9, wakeAt: NOW };
const read = { ...fanOut, source: { ...source, done: true } };
const wake = { now: NOW, startedAt: NOW, pages: 0, callsLeft: 40 };

it.each([
  ["a page is read", fanOut, wake, "feed"],
  ["the next page is read while there are calls", fanOut, { ...wake, pages: 1 }, "feed"],
  ["a page waits for calls that the wake does not have", fanOut, { ...wake, pages: 1, callsLeft: 24 }, "rest"],
  ["the first page of a wake does not: no wake has more", fanOut, { ...wake, callsLeft: 1 }, "feed"],
  ["a source that failed is left alone until its time", { ...fanOut, wakeAt: NOW + 1 }, wake, "rest"],
  ["a wake hands over so many pages", fanOut, { ...wake, pages: MAX_PAGES_PER_WAKE, callsLeft: 1_000 }, "rest"],
  ["and feeds for so long", fanOut, { ...wake, startedAt: NOW - MAX_FEED_MS - 1 }, "rest"],
  ["when all users are handed over the shards are asked", read, wake, "settle"],
  ["also before their time: one of them has reported", { ...read, wakeAt: NOW + 60_000 }, wake, "settle"],
  ["unless the calls are used up", read, { ...wake, pages: 1, callsLeft: 2 }, "rest"],
])("%s", (_rule, state, at, kind) => {
  expect(nextStep(state, at).kind).toBe(kind);
});
