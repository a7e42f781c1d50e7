/** The agents registered at /v1/agents: their administration, and the lookup that each call to one begins with. */
import * as z from "zod";
import { agentKey } from "../domain/directory-shard.ts";
import { type FieldError, invalid, notFound, type Outcome } from "../domain/failure.ts";
import { ok } from "../domain/result.ts";
import { cursorsOf } from "../domain/text/cursor.ts";
import type { Env, Settings } from "../env.ts";
import type { RegisteredAgent } from "../objects/directory.ts";
import { allShards, shardFor } from "../objects/directory.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import { parseSecret } from "../outbound/signature.ts";
import { MINUTE_MS } from "../schema/limits.ts";
import { IdText } from "../schema/text.ts";
import { mergeSorted } from "./shards.ts";

/** `secret` is there only in the answer to the call that had it made. */
export type AgentView = { readonly id: string; readonly url: string; readonly secret?: string };

/** `rotate` asks for a new secret in place of the one there is. */
export type AgentInput = {
  readonly url: string;
  readonly secret?: string | undefined;
  readonly rotate?: boolean | undefined;
};

/** Standard Webhooks: symmetric secrets are 24 to 64 bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

const CACHE_MS = MINUTE_MS;
const MAX_CACHED_AGENTS = 1_000;

const cursors = cursorsOf("agents", z.string());

/** What this isolate has looked up, for a minute. Agents that are not there are not remembered: they may be registered next. */
const cache = new Map<string, { readonly agent: RegisteredAgent; readonly until: number }>();

const agentShard = (env: Env, id: string) => shardFor(env, agentKey(id));

/**
 * Registers an agent or changes its URL. Other isolates go on calling the old URL for up to a minute.
 * Errors: `validation_failed` on `id`, `url` or `secret`.
 */
export async function putAgent(
  env: Env,
  settings: Settings,
  id: string,
  input: AgentInput,
): Promise<Outcome<{ readonly agent: AgentView; readonly created: boolean }>> {
  const errors = checkAgent(settings, id, input);
  if (errors.length > 0) return invalid(errors);
  const { created, secret } = await agentShard(env, id).putAgent(id, input.url, {
    secret: input.secret,
    rotate: input.rotate ?? false,
  });
  cache.delete(id);
  return ok({ agent: { id, url: input.url, ...(secret === undefined ? {} : { secret }) }, created });
}

/** Errors: `not_found`. */
export async function getAgent(env: Env, id: string): Promise<Outcome<AgentView>> {
  const agent = await agentShard(env, id).findAgent(id);
  return agent === undefined ? notFound("agent") : ok({ id: agent.id, url: agent.url });
}

/** Its jobs stay, and their runs say that the agent is not registered. Errors: `not_found`. */
export async function deleteAgent(env: Env, id: string): Promise<Outcome<null>> {
  const answer = await agentShard(env, id).deleteAgent(id);
  cache.delete(id);
  return answer;
}

/** A page of the registered agents by id, without secrets. Errors: `validation_failed` on `cursor`. */
export async function listAgents(
  env: Env,
  limit: number,
  cursor: string | undefined,
): Promise<Outcome<{ readonly items: readonly AgentView[]; readonly next_cursor?: string }>> {
  const after = cursor === undefined ? ok("") : cursors.decode(cursor);
  if (!after.ok) return after;
  const lists = await Promise.all(allShards(env).map((shard) => shard.listAgents(after.value, limit + 1)));
  const agents = mergeSorted<AgentView>(lists, (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0), limit + 1);
  const items = agents.slice(0, limit);
  const last = items.at(-1);
  return ok(agents.length > limit && last !== undefined ? { items, next_cursor: cursors.encode(last.id) } : { items });
}

/** The agent with its secret, at most a minute old (`now` is epoch ms), or undefined where none is registered under this id. */
export async function findAgent(env: Env, id: string, now: number): Promise<RegisteredAgent | undefined> {
  const cached = cache.get(id);
  if (cached !== undefined && cached.until > now) return cached.agent;
  const agent = await agentShard(env, id).findAgent(id);
  cache.delete(id);
  if (agent === undefined) return undefined;
  if (cache.size >= MAX_CACHED_AGENTS) cache.clear();
  cache.set(id, { agent, until: now + CACHE_MS });
  return agent;
}

function checkAgent(settings: Settings, id: string, { url, secret }: AgentInput): FieldError[] {
  const errors: FieldError[] = [];
  if (!IdText.safeParse(id).success) {
    errors.push({ path: "id", message: "must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -" });
  }
  const endpoint = checkEndpoint(url, { allowLoopbackHttp: settings.LOCAL });
  if (!endpoint.ok) errors.push({ path: "url", message: endpoint.error });
  if (secret !== undefined) {
    const key = parseSecret(secret);
    if (!key.ok) errors.push({ path: "secret", message: `${key.error}, or leave secret out: one is made` });
    else if (key.value.byteLength < MIN_SECRET_BYTES || key.value.byteLength > MAX_SECRET_BYTES) {
      errors.push({
        path: "secret",
        message: `must be whsec_ and base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes, or leave secret out: one is made`,
      });
    }
  }
  return errors;
}
