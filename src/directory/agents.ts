/** The agents registered at /v1/agents: their administration, and the lookup before each call to one. */
import * as z from "zod";
import { templateErrors } from "../domain/agent/body-template.ts";
import { type AgentHeaders, maskHeaders } from "../domain/agent/headers.ts";
import type { AgentChange, RegisteredAgent } from "../domain/agent/registration.ts";
import type { Author } from "../domain/audit.ts";
import { compact } from "../domain/compact.ts";
import { agentKey } from "../domain/directory-shard.ts";
import { type FieldError, invalid, notFound, type Outcome } from "../domain/failure.ts";
import { mergeSorted } from "../domain/merged-list.ts";
import { cursorsOf, pageOf, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import { withoutQuery } from "../domain/text/mask.ts";
import { parseDuration } from "../domain/time/duration.ts";
import { formatInstant } from "../domain/time/instant.ts";
import type { Env, Settings } from "../env.ts";
import { mapLimit } from "../map-limit.ts";
import { allShards, type ListedAgent, shardFor } from "../objects/directory.ts";
import { mailboxObject } from "../objects/mailbox.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import { secretError } from "../outbound/signature.ts";
import { DAY_MS, KIB, MINUTE_MS } from "../schema/limits.ts";
import { IdText, utf8Bytes } from "../schema/text.ts";

/**
 * An agent as answers show it. `secret` is present only in the answer to the call that generated it. An agent without an
 * address (`delivery: pull`) shows its open sockets (`connected`) and its unclaimed runs (`waiting`) instead of a URL.
 */
export type AgentView = {
  readonly id: string;
  readonly delivery: "push" | "pull";
  readonly url?: string;
  readonly headers?: AgentHeaders;
  readonly body?: unknown;
  readonly secret?: string;
  readonly previous_secret_until?: string;
  readonly connected?: number;
  readonly waiting?: number;
};

/** The request of a PUT. `rotate` asks for a new secret; the old one stays valid for `overlap`. */
export type AgentInput = {
  readonly url?: string | undefined;
  readonly delivery?: "push" | "pull" | undefined;
  readonly secret?: string | undefined;
  readonly rotate?: boolean | undefined;
  readonly overlap?: string | undefined;
  readonly headers?: AgentHeaders | null | undefined;
  readonly body?: unknown;
};

const DEFAULT_OVERLAP_MS = DAY_MS;
const MAX_OVERLAP_MS = 30 * DAY_MS;
const MAX_BODY_BYTES = 16 * KIB;

/** The number of agents of one shard that are searched for a mailbox. */
const MAX_LISTED = 1_000;
const CACHE_MS = MINUTE_MS;
const MAX_CACHED_AGENTS = 1_000;

const cursors = cursorsOf("agents", z.string());

/**
 * The agents that this isolate has looked up, for a minute. Missing agents are not remembered, since they may be registered
 * next.
 */
const cache = new Map<string, { readonly agent: RegisteredAgent; readonly until: number }>();

const agentShard = (env: Env, id: string) => shardFor(env, agentKey(id));

/** The way in which an agent gets its runs. An agent without an address is stored without a URL. */
export const deliveryOf = ({ url }: Pick<RegisteredAgent, "url">): "push" | "pull" => (url === "" ? "pull" : "push");

/**
 * The agent whose mailbox takes the runs of jobs that name no agent. It is AGENT_ID, if neither AGENT_URL nor a binding is
 * set. It needs no registration.
 */
export const defaultMailbox = (env: Env, settings: Settings): string | undefined =>
  env.AGENT === undefined && settings.AGENT_URL === undefined ? settings.AGENT_ID : undefined;

/**
 * Registers an agent or changes it. With a `url`, headers and body are replaced by those of the call; without one they
 * stay. Other isolates may call an old URL for up to a minute. An agent that gets an address loses its sockets. `byItself`:
 * the agent's own token asks. Errors: `validation_failed`, `agent_has_url`.
 */
export async function putAgent(
  env: Env,
  settings: Settings,
  id: string,
  input: AgentInput,
  { by, byItself = false }: { readonly by?: Author; readonly byItself?: boolean } = {},
): Promise<Outcome<{ readonly agent: AgentView; readonly created: boolean }>> {
  const { change, errors } = readAgent(settings, id, input);
  if (errors.length > 0) return invalid(errors);
  const put = await agentShard(env, id).putAgent(id, { ...change, byItself }, by);
  cache.delete(id);
  if (!put.ok) return put;
  const { agent, created, secret } = put.value;
  if (agent.url !== "" && !created && change.url !== undefined) {
    await mailboxObject(env, id).disconnect("moved");
  }
  const view = await viewOf(env, listed(agent), true);
  return ok({ agent: { ...view, ...compact({ secret }) }, created });
}

/** One agent. `whole`: the operator asks, and sees the URL with its query, and the body. Errors: `not_found`. */
export async function getAgent(env: Env, settings: Settings, id: string, whole: boolean): Promise<Outcome<AgentView>> {
  const agent = (await agentShard(env, id).findAgent(id)) ?? unregistered(env, settings, id);
  return agent === undefined ? notFound("agent") : ok(await viewOf(env, listed(agent), whole));
}

const listed = ({ secret: _secret, previous, ...agent }: RegisteredAgent): ListedAgent =>
  compact({ ...agent, previousUntil: previous?.until });

async function viewOf(env: Env, agent: ListedAgent, whole: boolean): Promise<AgentView> {
  const { id, url, headers, body, previousUntil } = agent;
  const delivery = deliveryOf(agent);
  if (delivery === "pull") {
    const { connected, waiting } = await mailboxObject(env, id).status();
    return { id, delivery, connected, waiting };
  }
  return compact({
    id,
    delivery,
    url: whole ? url : withoutQuery(url),
    headers: headers === undefined ? undefined : maskHeaders(headers),
    body: whole ? body : undefined,
    previous_secret_until: previousUntil === undefined ? undefined : formatInstant(previousUntil),
  });
}

/** The default agent of AGENT_ID, which needs no registration. */
const unregistered = (env: Env, settings: Settings, id: string): RegisteredAgent | undefined =>
  defaultMailbox(env, settings) === id ? { id, url: "", secret: "" } : undefined;

/** Deletes an agent. Its jobs stay, and their runs end with the error that it is not registered. Errors: `not_found`. */
export async function deleteAgent(env: Env, id: string, by?: Author): Promise<Outcome<null>> {
  const answer = await agentShard(env, id).deleteAgent(id, by);
  cache.delete(id);
  if (answer.ok) await mailboxObject(env, id).disconnect("deleted");
  return answer;
}

/** A page of the registered agents by id, without secrets. Errors: `validation_failed` on `cursor`. */
export async function listAgents(
  env: Env,
  limit: number,
  cursor: string | undefined,
  whole: boolean,
): Promise<Outcome<ShownPage<AgentView>>> {
  const after = cursors.after(cursor);
  if (!after.ok) return after;
  const lists = await Promise.all(allShards(env).map((shard) => shard.listAgents(after.value ?? "", limit + 1)));
  const agents = mergeSorted(lists, (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0), limit + 1);
  const page = pageOf(agents, limit, ({ id }) => id);
  return ok(cursors.shown({ ...page, items: await mapLimit(page.items, (agent) => viewOf(env, agent, whole)) }));
}

/** The ids of the first `limit` agents with a mailbox, in order. */
export async function pullAgents(env: Env, settings: Settings, limit: number): Promise<string[]> {
  const lists = await Promise.all(allShards(env).map((shard) => shard.listAgents("", MAX_LISTED)));
  const registered = lists.flat().filter((agent) => deliveryOf(agent) === "pull");
  const unlisted = defaultMailbox(env, settings);
  const ids = new Set([...registered.map(({ id }) => id), ...(unlisted === undefined ? [] : [unlisted])]);
  return [...ids].sort().slice(0, limit);
}

/** The agent with its secret, at most a minute old. Undefined if it is not registered. `now` is epoch ms. */
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

/** The request of a call, and the faults that show without the stored agent. */
function readAgent(
  settings: Settings,
  id: string,
  input: AgentInput,
): { readonly change: AgentChange; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  if (!IdText.safeParse(id).success) {
    errors.push({ path: "id", message: "must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -" });
  }
  if (input.delivery === "pull") return { change: { url: "" }, errors: [...errors, ...pullErrors(input)] };
  const { url, secret, rotate, overlap, headers, body } = input;
  if (url !== undefined) {
    const endpoint = checkEndpoint(url, { allowLoopbackHttp: settings.LOCAL });
    if (!endpoint.ok) errors.push({ path: "url", message: endpoint.error });
  }
  const wrongSecret = secret === undefined ? undefined : secretError(secret);
  if (wrongSecret !== undefined) {
    errors.push({ path: "secret", message: `${wrongSecret}, or leave secret out: one is made` });
  }
  const overlapMs = readOverlap(overlap, rotate === true, errors);
  if (body !== undefined && body !== null) errors.push(...bodyErrors(body));
  const isWhole = url !== undefined;
  const change = {
    url,
    secret,
    rotate: rotate === true ? { overlapMs } : undefined,
    headers: headers ?? (isWhole ? null : headers),
    body: body ?? (isWhole ? null : body),
  };
  return { change, errors };
}

/** The faults of fields that only an agent with a URL takes. */
function pullErrors(input: AgentInput): FieldError[] {
  const message = "goes with an agent that is called; an agent with delivery pull has a mailbox instead: leave it out";
  const given = Object.entries({
    url: input.url,
    secret: input.secret,
    rotate: input.rotate === true ? true : undefined,
    overlap: input.overlap,
    headers: input.headers,
    body: input.body,
  });
  return given.flatMap(([path, value]) => (value === undefined ? [] : [{ path, message }]));
}

function readOverlap(overlap: string | undefined, isRotated: boolean, errors: FieldError[]): number {
  if (overlap === undefined) return DEFAULT_OVERLAP_MS;
  const ms = parseDuration(overlap);
  if (!isRotated) errors.push({ path: "overlap", message: 'goes with "rotate": true' });
  else if (!ms.ok) errors.push({ path: "overlap", message: ms.error });
  else if (ms.value < 0 || ms.value > MAX_OVERLAP_MS) {
    errors.push({ path: "overlap", message: `must be 0s to 30d; got "${overlap}"` });
  }
  return ms.ok ? ms.value : DEFAULT_OVERLAP_MS;
}

function bodyErrors(body: unknown): FieldError[] {
  const bytes = utf8Bytes(JSON.stringify(body));
  if (bytes <= MAX_BODY_BYTES) return templateErrors(body, "body");
  return [{ path: "body", message: `is ${bytes} bytes of JSON; at most ${MAX_BODY_BYTES} are kept` }];
}
