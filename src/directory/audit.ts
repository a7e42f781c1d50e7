/** The audit trail (docs/contract.md §17), over all shards of the directory. Each row was written by the shard that made the change. */
import * as z from "zod";
import { AUDIT_RETENTION_MS, type AuditEntry, type Change } from "../domain/audit.ts";
import type { Outcome } from "../domain/failure.ts";
import { cursorsOf, pageOf, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { type AuditQuery, allShards, shardFor } from "../objects/directory.ts";
import { mergeSorted, newestFirst } from "./shards.ts";

const cursors = cursorsOf("audit", z.object({ at: z.int(), id: z.string() }));

const order = newestFirst<AuditEntry>(({ at }) => at);

/** What `GET /v1/audit` asks for; `since` and `until` in epoch ms. */
export type AuditFilter = Pick<AuditQuery, "jobId" | "actor" | "action"> & {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
};

/** A page of the changes that the filter lets through, newest first. Errors: `validation_failed` on `cursor`. */
export async function listAudit(
  env: Env,
  { since = 0, until = Number.MAX_SAFE_INTEGER, ...filter }: AuditFilter,
  limit: number,
  cursor: string | undefined,
  now: number,
): Promise<Outcome<ShownPage<AuditEntry>>> {
  const before = cursors.after(cursor);
  if (!before.ok) return before;
  const query: AuditQuery = {
    ...filter,
    limit: limit + 1,
    since: Math.max(since, now - AUDIT_RETENTION_MS),
    until,
    before: before.value,
  };
  const lists = await Promise.all(allShards(env).map((shard) => shard.listAudit(query)));
  const entries = mergeSorted(lists, order, limit + 1);
  return ok(cursors.shown(pageOf(entries, limit, ({ at, id }) => ({ at, id }))));
}

/**
 * Records a change that is kept outside the directory, such as a heartbeat's document or a subscription. Changes of the directory's
 * own rows are recorded by the shard, in the commit that makes them. `key` is the shard key of what was changed.
 */
export async function noteChange(env: Env, key: string, change: Change): Promise<void> {
  await shardFor(env, key).noteChange(change);
}
