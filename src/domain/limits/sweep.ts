/**
 * The entries of a shard that the sweep looks at in each minute (docs/architecture.md, invariant 4). In a small shard the
 * minute alone chooses the slice, so nothing is written. A large shard is walked a slice a minute from a stored place, so a
 * minute's cost has a bound for any number of jobs. A tick that never comes, or comes twice, does no harm in either.
 */
import { hash32 } from "../directory-shard.ts";

/** The number of minutes in which each job of a small shard gets one look. Each look is a billed call of its object. */
export const SMALL_SLICES = 10;
/** The number of jobs of a large shard that one minute looks at. With more jobs its round takes longer. */
export const SLICE_SIZE = 100;
/** A shard with more entries than this is large. */
export const SMALL_ENTRIES = SMALL_SLICES * SLICE_SIZE;
/** The delay after which an alarm counts as forgotten. An alarm may be up to a minute late and still come. */
export const OVERDUE_AFTER_MS = 60_000;
/**
 * The time that a reserved place may wait for its job. Creation gives up long before that (RESERVATION_TTL_MS of the Job
 * object).
 */
export const PHANTOM_AFTER_MS = 60_000;

/** The share of a minute's calls that the slices of a small shard take on average. Some slices are larger than others. */
const USUAL_SHARE = 0.8;

/** The number of jobs of a large shard that one minute looks at, if an invocation has so many calls. */
export const sliceSize = (calls: number): number => Math.max(1, Math.min(SLICE_SIZE, calls));

/** The number of minutes in which each of a small shard's entries gets one look. With few calls a round takes longer. */
export const smallSlices = (entries: number, calls: number): number =>
  Math.max(SMALL_SLICES, Math.ceil(entries / (USUAL_SHARE * Math.max(1, calls))));

/** Whether `id` has its turn in this minute (minutes since 1970). Each id has one turn in `slices` minutes. */
export const isInSlice = (id: string, minute: number, slices: number): boolean =>
  hash32(id) % slices === minute % slices;
