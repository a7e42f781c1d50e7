/**
 * Which entries of a shard the sweep looks at in which minute (DESIGN invariant 4). The slice follows from the minute alone, so
 * the sweep keeps no place of its own: nothing is written, a tick that never came skips one slice once, and a repeated one is harmless.
 */
import { hash32 } from "./shard.ts";

/** However few jobs there are, none is looked at more often than this: each look is a billed call of its object. */
const MIN_SLICES = 10;
/** About so many jobs are looked at in one minute, however many there are: the sweep's cost has a bound, its period grows instead. */
const SLICE_SIZE = 100;
/** An alarm may be up to a minute late and still come; only what is later was forgotten. */
export const OVERDUE_AFTER_MS = 60_000;
/** How long a reserved place may wait for its job: creation gives up long before (RESERVATION_TTL_MS of the Job object). */
export const PHANTOM_AFTER_MS = 60_000;

/** Into how many slices a shard with so many entries is divided: each entry is looked at once in so many minutes. */
export const sweepSlices = (entries: number): number => Math.max(MIN_SLICES, Math.ceil(entries / SLICE_SIZE));

/** Whether this minute (minutes since 1970) is the turn of `id`. */
export const isInSlice = (id: string, minute: number, slices: number): boolean =>
  hash32(id) % slices === minute % slices;
