/**
 * The alarm breaker pauses a job that wakes far more often than its schedule can explain. The reason is shown, and the
 * wakes are not billed for ever. A wake is idle if it finds nothing to do and nothing about to be due. A healthy job hardly
 * ever has one.
 */
import { HOUR_MS } from "../../schema/limits.ts";

/** The idle wakes in the current window. Absent if there were none. */
export type IdleWakes = { readonly since: number; readonly count: number };

/** A job may have this many idle wakes within {@link IDLE_WAKE_WINDOW_MS}; the next one trips the breaker. */
export const MAX_IDLE_WAKES = 100;
export const IDLE_WAKE_WINDOW_MS = HOUR_MS;
/** The distance at which a timer still explains a wake. Alarms and clocks are not exact to the millisecond. */
export const NEAR_TIMER_MS = 1_000;

export type WakeVerdict =
  | { readonly tripped: false; readonly idleWakes: IdleWakes }
  | { readonly tripped: true; readonly reason: string };

/** Judges one more idle wake at `now` (epoch ms). */
export function judgeIdleWake(before: IdleWakes | undefined, now: number): WakeVerdict {
  const fresh = before === undefined || now - before.since >= IDLE_WAKE_WINDOW_MS;
  const idleWakes = fresh ? { since: now, count: 1 } : { since: before.since, count: before.count + 1 };
  if (idleWakes.count <= MAX_IDLE_WAKES) return { tripped: false, idleWakes };
  return {
    tripped: true,
    reason: `paused by the alarm breaker: the job woke ${idleWakes.count} times within an hour with nothing due; resume it to go on, and report this`,
  };
}
