/** Strings with limits in bytes of UTF-8 (docs/contract.md §2: "Sizes are bytes of UTF-8"). */
import * as z from "zod";

const encoder = new TextEncoder();

/** The bytes of `text` in UTF-8. */
export const utf8Bytes = (text: string): number => encoder.encode(text).byteLength;

/** A string of `minBytes` to `maxBytes` bytes of UTF-8. */
export const boundedText = (minBytes: number, maxBytes: number) =>
  z
    .string()
    .min(minBytes)
    .max(maxBytes)
    .refine((text) => text.isWellFormed(), { message: "must be well-formed Unicode: it holds half a character" })
    .refine((text) => text.length * 3 <= maxBytes || utf8Bytes(text) <= maxBytes, {
      message: `must be at most ${maxBytes} bytes of UTF-8; shorten it`,
    });

/** An id of a job, agent or heartbeat: 1-64 of `A-Za-z0-9_-`, safe in a path and in a session id. */
export const IdText = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, { message: "must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -" });

const decimal = z
  .int({ message: "must be a string, or a whole number of at most 2^53-1" })
  .min(0)
  .transform((id) => (id === 0 ? "" : String(id)));

/**
 * A user's id: a string of 1-128 bytes. A JSON integer up to 2^53-1 becomes its decimal string (docs/contract.md §2). `""`
 * and 0 mean no user, and the parser of the object around it drops them.
 */
export const UserIdText = z.union([boundedText(0, 128), decimal]);
