/** Reveille's API as the operator calls it. */
import type { Request } from "./load.ts";

export const ADMIN_TOKEN = "bench-operator-token-of-some-length";
/** Jobs are of so many users: each has a directory shard of its own to be listed in, and a quota. */
export const USERS = 500;

export const api = (method: string, path: string, body?: unknown): Request => ({
  method,
  path,
  headers: {
    authorization: `Bearer ${ADMIN_TOKEN}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});
