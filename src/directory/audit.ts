/**
 * The audit trail (docs/contract.md §17) over all shards of the directory. The shard that made a change has written its
 * row.
 */
import * as z from "zod";
import { AUDIT_RETENTION_MS, type AuditEntry, type Change } from "../domain/audit.ts";
import type { Outcome } from "../domain/failure.ts";
import { mergeFound, newestFirst } from "../domain/merged-list.ts";
import { cursorsOf, pageOfFound, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { type AuditKey, type AuditQuery, allShards, shardFor } from "../objects/directory.ts";

const cursors = cursorsOf("audit", z.object({ at: z.int(), id: z.string() }));

const order = newestFirst<AuditKey>(({ at }) => at);

/** The rounds of a search for rare entries. After them an empty page is returned, with a cursor to continue from. */
const MAX_ROUNDS = 5;

/** The filter of `GET /v1/audit`. `since` and `until` are epoch ms. */
export type AuditFilter = Pick<AuditQuery, "jobId" | "actor" | "action"> & {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
};

/** A page of the changes that pass the filter, newest first. Errors: `validation_failed` on `cursor`. */
export async function listAudit(
  env: Env,
  { since = 0, until = Number.MAX_SAFE_INTEGER, ...filter }: AuditFilter,
  limit: number,
  cursor: string | undefined,
  now: number,
): Promise<Outcome<ShownPage<AuditEntry>>> {
  const before = cursors.after(cursor);
  if (!before.ok) return before;
  const from = Math.max(since, now - AUDIT_RETENTION_MS);
  let place = before.value;
  for (let round = 1; ; round++) {
    const query: AuditQuery = { ...filter, limit: limit + 1, since: from, until, before: place };
    const founds = await Promise.all(allShards(env).map((shard) => shard.listAudit(query)));
    const found = mergeFound(founds, order, limit + 1);
    place = found.stoppedAt;
    if (found.items.length > 0 || place === undefined || round === MAX_ROUNDS) {
      return ok(cursors.shown(pageOfFound(found, limit, ({ at, id }) => ({ at, id }))));
    }
  }
}

/**
 * Records a change of something outside the directory, such as a heartbeat's document or a subscription. The shard itself
 * records changes of its rows, in the same commit. `key` is the shard key of the changed thing.
 */
export async function noteChange(env: Env, key: string, change: Change): Promise<void> {
  await shardFor(env, key).noteChange(change);
}
