/**
 * The ids that Reveille gives to jobs, recognisable without a look at storage.
 *
 * Each job is a Durable Object, and a call to an object that never existed leaves an empty database file behind. So an id
 * of Reveille carries a checksum, and a guessed or mistyped one is refused without a call. An imported job keeps its id in
 * any form (docs/contract.md §2). An id that was not made here is therefore looked up in the directory before any object is
 * called.
 *
 * The checksum is keyed with a secret of the deployment. It stops accidents, scanners and people who have read this code;
 * one in a million of their guesses passes. It authorises nothing. Older ids have a checksum without a key, and are looked
 * up.
 */
import { BASE32_CLASS, base32 } from "../text/base32.ts";
import { sha256 } from "../text/sha256.ts";

/** 20 characters of 5 bits: 100 bits, of which docs/contract.md §2 asks for 80. */
const PAYLOAD_CHARS = 20;
/** 20 bits. */
const CHECKSUM_CHARS = 4;

/** The key of older ids, which were made without one. */
const NO_KEY = "";

/** The number of bytes that an id is made of. Further bytes are ignored. */
export const JOB_ID_BYTES = 13;

const MINTED = new RegExp(`^j[${BASE32_CLASS}]{${PAYLOAD_CHARS + CHECKSUM_CHARS}}$`);

/**
 * A job id (`j` + 24 characters) from at least {@link JOB_ID_BYTES} random or hashed bytes and the deployment's key. The
 * same bytes make the same id. Throws a RangeError on fewer bytes, since such an id could be guessed.
 */
export function jobIdFromBytes(bytes: Uint8Array, key = NO_KEY): string {
  if (bytes.byteLength < JOB_ID_BYTES)
    throw new RangeError(`a job id needs ${JOB_ID_BYTES} bytes, got ${bytes.byteLength}`);
  const payload = base32(bytes, PAYLOAD_CHARS);
  return `j${payload}${checksum(payload, key)}`;
}

/**
 * Whether `id` has the form and the checksum of an id made by {@link jobIdFromBytes} with this key. Without a key, it
 * checks an older id. Such a job may still not exist.
 */
export const isMintedJobId = (id: string, key = NO_KEY): boolean =>
  hasJobIdForm(id) && id.slice(1 + PAYLOAD_CHARS) === checksum(id.slice(1, 1 + PAYLOAD_CHARS), key);

/** Whether `id` has the form of an id made by Reveille. */
export const hasJobIdForm = (id: string): boolean => MINTED.test(id);

/** Whether `id` can be the id of a job at all, minted or imported: 1-64 of `A-Za-z0-9_-` (docs/contract.md §2). */
export const isJobId = (id: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(id);

const checksum = (payload: string, key: string): string =>
  base32(sha256(`reveille job id ${key === NO_KEY ? "" : `${key} `}${payload}`), CHECKSUM_CHARS);
