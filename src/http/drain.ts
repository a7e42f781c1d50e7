/**
 * Reads what is left of a request's body before the answer goes out. A refusal comes before the body has been read, and a
 * server that then closes the connection on bytes still arriving resets it: the client sees a broken connection in place of the
 * answer that would have told it what is wrong.
 */
import type { MiddlewareHandler } from "hono";
import { KIB, SECOND_MS } from "../schema/limits.ts";

/** Far more than any body that is taken; a sender of more may find the connection closed. */
const MAX_DRAINED_BYTES = 32 * KIB * KIB;
/** A body that comes a byte at a time must not hold its refusal, and a connection, for ever. */
const MAX_DRAIN_MS = 5 * SECOND_MS;

export const drainBody: MiddlewareHandler = async (c, next) => {
  await next();
  const { body } = c.req.raw;
  if (body === null || body.locked) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), MAX_DRAIN_MS);
  try {
    for (let drained = 0; drained <= MAX_DRAINED_BYTES; ) {
      const read = await Promise.race([reader.read(), late]);
      if (read === "late") break;
      if (read.done) return;
      drained += read.value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The client has gone away, and with it the reader of the answer.
  } finally {
    clearTimeout(timer);
  }
};
