/** Ids that sort by the time of their creation, so a list by time needs no further index. */
import { base32 } from "./text/base32.ts";

/** The number of random bytes that an id is made of. */
export const TIMED_ID_BYTES = 10;
const RANDOM_CHARS = 16;
/** The characters of the time, 5 bits each. They suffice until the year 37648. */
const TIME_CHARS = 10;

/** A prefix, the time (epoch ms) and 80 random bits, all of `a-z0-9`. */
export const timedId = (prefix: string, now: number, random: Uint8Array): string =>
  `${prefix}${now.toString(32).padStart(TIME_CHARS, "0")}${base32(random, RANDOM_CHARS)}`;
