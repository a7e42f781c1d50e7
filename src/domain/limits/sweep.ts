/**
 * Which entries of a shard the sweep looks at in which minute (docs/architecture.md, invariant 4). In a small shard the slice follows from the minute
 * alone, so that nothing is written; a large one is walked a slice a minute from a stored place, so that what a minute costs has a bound
 * however many jobs there are. A tick that never came, or comes twice, is harmless either way.
 */
import { hash32 } from "../directory-shard.ts";

/**
 * However few jobs there are, none is looked at more often than every so many minutes. Each look is a billed call of
 * its object.
 */
export const SMALL_SLICES = 10;
/** So many jobs of a large shard are looked at in one minute; with more jobs its round takes longer. */
export const SLICE_SIZE = 100;
/** A shard with more entries than this is large. */
export const SMALL_ENTRIES = SMALL_SLICES * SLICE_SIZE;
/** An alarm may be up to a minute late and still come; only what is later was forgotten. */
export const OVERDUE_AFTER_MS = 60_000;
/**
 * The time that a reserved place may wait for its job. Creation gives up long before (RESERVATION_TTL_MS of the Job
 * object).
 */
export const PHANTOM_AFTER_MS = 60_000;

/** Whether this minute (minutes since 1970) is the turn of `id`, of which each has one in `slices` minutes. */
export const isInSlice = (id: string, minute: number, slices: number): boolean =>
  hash32(id) % slices === minute % slices;
