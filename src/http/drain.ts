/**
 * Reads the rest of a request's body before the answer goes out. A refusal comes before the body was read. If the server
 * then closes the connection while bytes arrive, the connection is reset, and the client sees a broken connection instead
 * of the answer.
 */
import type { MiddlewareHandler } from "hono";
import { KIB, SECOND_MS } from "../schema/limits.ts";

/** The bytes that are read, far more than any accepted body. A larger body may find the connection closed. */
const MAX_DRAINED_BYTES = 32 * KIB * KIB;
/** The time for reading. A body that arrives byte by byte must not hold up its refusal and a connection for ever. */
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
    // The client has gone, so nobody reads the answer.
  } finally {
    clearTimeout(timer);
  }
};
