/**
 * Reads what is left of a request's body before the answer goes out. A refusal comes before the body has been read, and a
 * server that then closes the connection on bytes still arriving resets it: the client sees a broken connection in place of the
 * answer that would have told it what is wrong.
 */
import type { MiddlewareHandler } from "hono";
import { KIB } from "../schema/limits.ts";

/** Far more than any body that is taken; whoever sends more may find the connection closed. */
const MAX_DRAINED_BYTES = 32 * KIB * KIB;

export const drainBody: MiddlewareHandler = async (c, next) => {
  await next();
  const { body } = c.req.raw;
  if (body === null || body.locked) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  try {
    for (let drained = 0; drained <= MAX_DRAINED_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return;
      drained += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The client has gone away, and with it whom the answer was for.
  }
};
