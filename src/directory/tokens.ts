/** The tokens that POST /v1/tokens has issued (docs/contract.md §17), and which of them are revoked. */
import * as z from "zod";
import type { Author } from "../domain/audit.ts";
import { TOKENS_KEY } from "../domain/directory-shard.ts";
import type { Outcome } from "../domain/failure.ts";
import type { Caller, TokenFacts } from "../domain/job/access.ts";
import { cursorsOf, pageOf, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { type RegisteredToken, shardFor } from "../objects/directory.ts";
import { mailboxObject } from "../objects/mailbox.ts";
import { SECOND_MS } from "../schema/limits.ts";

/**
 * The greatest age of the list of revoked tokens that a call is checked against. So a revocation takes effect everywhere
 * within 10 s.
 */
export const REVOCATIONS_MS = 4 * SECOND_MS;

const cursors = cursorsOf("tokens", z.string());

const tokensShard = (env: Env) => shardFor(env, TOKENS_KEY);

/** Lists a new token before it is handed out. */
export async function registerToken(env: Env, token: RegisteredToken, by: Author): Promise<void> {
  await tokensShard(env).putToken(token, by);
}

/** A page of the tokens that are neither expired nor revoked, newest first. Errors: `validation_failed` on `cursor`. */
export async function listTokens(
  env: Env,
  limit: number,
  cursor: string | undefined,
  now: number,
): Promise<Outcome<ShownPage<RegisteredToken>>> {
  const before = cursors.after(cursor);
  if (!before.ok) return before;
  const tokens = await tokensShard(env).listTokens({ limit: limit + 1, now, before: before.value });
  return ok(cursors.shown(pageOf(tokens, limit, ({ id }) => id)));
}

/**
 * Revokes the token: at once in this isolate, within {@link REVOCATIONS_MS} in others. Its open sockets at its agent's
 * mailbox are closed. Errors: `not_found`.
 */
export async function revokeToken(env: Env, id: string, by: Author, now: number): Promise<Outcome<null>> {
  const revoked = await tokensShard(env).revokeToken(id, by, now);
  if (!revoked.ok) return revoked;
  known.ids.add(id);
  const { role, agentId } = revoked.value;
  if (role === "agent" && agentId !== undefined) await closeSockets(env, agentId, id);
  return ok(null);
}

/** Closes the token's sockets. A mailbox that cannot be reached closes them itself before it hands out the next run. */
async function closeSockets(env: Env, agentId: string, tokenId: string): Promise<void> {
  try {
    await mailboxObject(env, agentId).revoked(tokenId);
  } catch (error) {
    logError("The sockets of a revoked token could not be closed", { agent_id: agentId }, error);
  }
}

/** The revoked tokens that this isolate knows: those revoked up to `upTo` (epoch ms), asked for at `askedAt`. */
const known = { ids: new Set<string>(), upTo: 0, askedAt: Number.NEGATIVE_INFINITY };

/**
 * Whether the caller's token is revoked, at most {@link REVOCATIONS_MS} before `now`. Throws if the directory cannot be
 * asked.
 */
export async function isRevoked(env: Env, caller: Caller, now: number): Promise<boolean> {
  const { token_id: id }: TokenFacts & { readonly role: string } = caller;
  if (id === undefined) return false;
  if (known.ids.has(id)) return true;
  if (Math.abs(now - known.askedAt) > REVOCATIONS_MS) {
    const { ids, upTo } = await tokensShard(env).revokedTokens(known.upTo, now);
    for (const revoked of ids) known.ids.add(revoked);
    known.upTo = Math.max(known.upTo, upTo);
    known.askedAt = now;
  }
  return known.ids.has(id);
}
