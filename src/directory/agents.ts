/** The agents registered at /v1/agents: their administration, and the lookup that each call to one begins with. */
import * as z from "zod";
import { agentKey } from "../domain/directory-shard.ts";
import { type FieldError, invalid, notFound, type Outcome } from "../domain/failure.ts";
import { ok } from "../domain/result.ts";
import { cursorsOf } from "../domain/text/cursor.ts";
import type { Env, Settings } from "../env.ts";
import { inTurns } from "../map-limit.ts";
import { allShards, type RegisteredAgent, shardFor } from "../objects/directory.ts";
import { mailboxObject } from "../objects/mailbox.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import { parseSecret } from "../outbound/signature.ts";
import { MINUTE_MS } from "../schema/limits.ts";
import { IdText } from "../schema/text.ts";
import { mergeSorted } from "./shards.ts";

/**
 * `secret` is there only in the answer to the call that had it made. An agent without an address (`delivery: pull`) has open
 * sockets (`connected`) and runs that wait to be claimed (`waiting`) in place of a URL.
 */
export type AgentView = {
  readonly id: string;
  readonly delivery: "push" | "pull";
  readonly url?: string;
  readonly secret?: string;
  readonly connected?: number;
  readonly waiting?: number;
};

/** `rotate` asks for a new secret in place of the one there is. */
export type AgentInput = {
  readonly url?: string | undefined;
  readonly delivery?: "push" | "pull" | undefined;
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

/** An agent is stored without a URL when it has no address. */
export const deliveryOf = ({ url }: Pick<RegisteredAgent, "url">): "push" | "pull" => (url === "" ? "pull" : "push");

/**
 * The agent whose mailbox takes the runs of jobs that name no agent: AGENT_ID, if neither AGENT_URL nor a binding is set. It
 * needs no registration.
 */
export const defaultMailbox = (env: Env, settings: Settings): string | undefined =>
  env.AGENT === undefined && settings.AGENT_URL === undefined ? settings.AGENT_ID : undefined;

/**
 * Registers an agent or changes how it is reached. Other isolates go on calling an old URL for up to a minute. An agent that
 * gets an address loses its sockets. Errors: `validation_failed` on `id`, `url`, `delivery` or `secret`.
 */
export async function putAgent(
  env: Env,
  settings: Settings,
  id: string,
  input: AgentInput,
): Promise<Outcome<{ readonly agent: AgentView; readonly created: boolean }>> {
  const errors = checkAgent(settings, id, input);
  if (errors.length > 0) return invalid(errors);
  const { url = "" } = input;
  const { created, secret } = await agentShard(env, id).putAgent(id, url, {
    secret: input.secret,
    rotate: input.rotate ?? false,
  });
  cache.delete(id);
  if (url === "") return ok({ agent: await viewOf(env, { id, url }), created });
  if (!created) await mailboxObject(env, id).disconnect("the agent has a URL now");
  return ok({ agent: { id, delivery: "push", url, ...(secret === undefined ? {} : { secret }) }, created });
}

/** Errors: `not_found`. */
export async function getAgent(env: Env, settings: Settings, id: string): Promise<Outcome<AgentView>> {
  const agent = (await agentShard(env, id).findAgent(id)) ?? unregistered(env, settings, id);
  return agent === undefined ? notFound("agent") : ok(await viewOf(env, agent));
}

async function viewOf(env: Env, { id, url }: Pick<RegisteredAgent, "id" | "url">): Promise<AgentView> {
  const delivery = deliveryOf({ url });
  if (delivery === "push") return { id, delivery, url };
  const { connected, waiting } = await mailboxObject(env, id).status();
  return { id, delivery, connected, waiting };
}

/** The default agent of AGENT_ID, which nobody has to register. */
const unregistered = (env: Env, settings: Settings, id: string): RegisteredAgent | undefined =>
  defaultMailbox(env, settings) === id ? { id, url: "", secret: "" } : undefined;

/** Its jobs stay, and their runs say that the agent is not registered. Errors: `not_found`. */
export async function deleteAgent(env: Env, id: string): Promise<Outcome<null>> {
  const answer = await agentShard(env, id).deleteAgent(id);
  cache.delete(id);
  if (answer.ok) await mailboxObject(env, id).disconnect("the agent was deleted");
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
  const agents = mergeSorted(lists, (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0), limit + 1);
  const page = agents.slice(0, limit);
  const items = await inTurns(page, (agent) => viewOf(env, agent));
  const last = page.at(-1);
  return ok(agents.length > limit && last !== undefined ? { items, next_cursor: cursors.encode(last.id) } : { items });
}

/** The agent with its secret, at most a minute old (`now` is epoch ms), or undefined if none is registered under this id. */
export async function findAgent(
  env: Env,
  settings: Settings,
  id: string,
  now: number,
): Promise<RegisteredAgent | undefined> {
  const cached = cache.get(id);
  if (cached !== undefined && cached.until > now) return cached.agent;
  const agent = await agentShard(env, id).findAgent(id);
  cache.delete(id);
  if (agent === undefined) return unregistered(env, settings, id);
  if (cache.size >= MAX_CACHED_AGENTS) cache.clear();
  cache.set(id, { agent, until: now + CACHE_MS });
  return agent;
}

function checkAgent(settings: Settings, id: string, input: AgentInput): FieldError[] {
  const { url, delivery, secret, rotate } = input;
  const errors: FieldError[] = [];
  if (!IdText.safeParse(id).success) {
    errors.push({ path: "id", message: "must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -" });
  }
  if (delivery === "pull") {
    const message =
      "goes with an agent that is called; an agent with delivery pull has a mailbox instead: leave it out";
    if (url !== undefined) errors.push({ path: "url", message });
    if (secret !== undefined) errors.push({ path: "secret", message });
    if (rotate) errors.push({ path: "rotate", message });
    return errors;
  }
  if (url === undefined) {
    const message = 'is required: where calls go; or, for an agent without an address, send {"delivery": "pull"}';
    errors.push({ path: "url", message });
    return errors;
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
