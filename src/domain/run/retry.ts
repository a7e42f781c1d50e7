/**
 * Whether and when a failed attempt is repeated (docs/contract.md §4). Pure: the caller draws the random number.
 *
 *   base(n)  = min_backoff · 2^(n-1), at most max_backoff / 1.5, at least min_backoff      n = the attempt that failed
 *   delay(n) = max(base, Retry-After) + random · (min(1.5 · base, max_backoff) - base)
 *
 * Without a Retry-After the delay lies between min_backoff and max_backoff. Runs that failed together are spread over a
 * third of it, even at the limit. Only min_backoff = max_backoff leaves no room for jitter.
 */
import { DAY_MS } from "../../schema/limits.ts";

/** The number of attempts and the pauses between them; `maxAttempts` counts the first one. */
export type RetryPolicy = {
  readonly maxAttempts: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
};

export type RetryDecision = { readonly retry: false } | { readonly retry: true; readonly delayMs: number };

/**
 * The longest Retry-After that is obeyed. It keeps an agent from parking a run, and the job's overlap rule with it, for
 * longer.
 */
export const MAX_RETRY_AFTER_MS = DAY_MS;

const JITTER = 1.5;

/** The delay after failed attempt `attempt` (from 1) before jitter is added, in ms. */
export function baseBackoffMs(attempt: number, { minBackoffMs, maxBackoffMs }: RetryPolicy): number {
  return Math.max(minBackoffMs, Math.min(minBackoffMs * 2 ** (attempt - 1), maxBackoffMs / JITTER));
}

/**
 * The decision after failed attempt `attempt` (from 1). `retryAfterMs` is the agent's Retry-After, a minimum that may
 * exceed `maxBackoffMs`. `random` lies in [0, 1). The delay is in whole ms.
 */
export function decideRetry(failed: {
  readonly attempt: number;
  readonly policy: RetryPolicy;
  readonly retryAfterMs?: number | undefined;
  readonly random: number;
}): RetryDecision {
  const { attempt, policy, random } = failed;
  if (attempt >= policy.maxAttempts) return { retry: false };
  const base = baseBackoffMs(attempt, policy);
  const spread = Math.max(0, Math.min(base * JITTER, policy.maxBackoffMs) - base);
  const askedFor = Math.min(Math.max(0, failed.retryAfterMs ?? 0), MAX_RETRY_AFTER_MS);
  return { retry: true, delayMs: Math.ceil(Math.max(base, askedFor) + random * spread) };
}
