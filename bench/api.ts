/** Reveille's API as the operator calls it. */
import type { Request } from "./load.ts";

export const ADMIN_TOKEN = "bench-operator-token-of-some-length";
/** The number of users that own the jobs. Each has a directory shard, and a quota. */
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
