/** The next step of a job for its running fan-out, within one wake. A pure choice, so that every wake ends. */
import { SECOND_MS } from "../../schema/limits.ts";
import { SHARD_COUNT } from "../directory-shard.ts";
import type { FanOut } from "./fan-out.ts";

/** The number of pages handed over in one wake, and the time for it. The job answers other calls in between. */
export const MAX_PAGES_PER_WAKE = 20;
export const MAX_FEED_MS = 20 * SECOND_MS;
/** A page of the roster asks every shard of the directory. */
const SOURCE_CALLS = SHARD_COUNT;

/** `calls` is the most calls that the step makes. */
export type NextStep =
  /** Reads a page of users, and hands it to the shards. */
  | { readonly kind: "feed"; readonly calls: number }
  /** Asks the shards whether they are done, and sums their counts when all are. */
  | { readonly kind: "settle"; readonly calls: number }
  /** Leaves the remaining work to the next wake. */
  | { readonly kind: "rest" };

/** The wake so far; times in epoch ms. */
export type FanOutWake = {
  readonly now: number;
  readonly startedAt: number;
  /** Pages handed over in this wake. */
  readonly pages: number;
  readonly callsLeft: number;
};

/**
 * Chooses the next step. The first step of a wake is always made, because a later wake would not have more calls to spend.
 */
export function nextStep(
  fanOut: Pick<FanOut, "source" | "activeShards" | "shards" | "wakeAt">,
  wake: FanOutWake,
): NextStep {
  const { now, startedAt, pages, callsLeft } = wake;
  const step: Exclude<NextStep, { kind: "rest" }> = fanOut.source.done
    ? { kind: "settle", calls: fanOut.activeShards.length }
    : { kind: "feed", calls: SOURCE_CALLS + fanOut.shards };
  if (pages > 0 && step.calls > callsLeft) return { kind: "rest" };
  if (step.kind === "settle") return step;
  const isOver = pages >= MAX_PAGES_PER_WAKE || now - startedAt > MAX_FEED_MS || fanOut.wakeAt > now;
  return isOver ? { kind: "rest" } : step;
}
