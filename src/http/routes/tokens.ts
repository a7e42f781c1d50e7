/**
 * `/v1/tokens`: the operator issues, lists and revokes the tokens of agents, users, plugins and viewers (docs/contract.md
 * §7, §17).
 */
import * as z from "zod";
import { mintToken } from "../../agent/token.ts";
import { listTokens, registerToken, revokeToken } from "../../directory/tokens.ts";
import { authorOf } from "../../domain/audit.ts";
import { compact } from "../../domain/compact.ts";
import { type FieldError, invalid, type Outcome } from "../../domain/failure.ts";
import type { BoundCaller } from "../../domain/job/access.ts";
import { mapPage } from "../../domain/page.ts";
import { ok } from "../../domain/result.ts";
import { parseDurationWithin } from "../../domain/time/duration.ts";
import { formatInstant } from "../../domain/time/instant.ts";
import { TIMED_ID_BYTES, timedId } from "../../domain/timed-id.ts";
import type { RegisteredToken } from "../../objects/directory.ts";
import { DAY_MS, SECOND_MS } from "../../schema/limits.ts";
import { DurationText } from "../../schema/schedule.ts";
import { boundedText, IdText, UserIdText } from "../../schema/text.ts";
import { pageCursor, pageLimit, pageShape } from "../fields.ts";
import { reply, route } from "../route.ts";

const MIN_TTL_MS = SECOND_MS;
const MAX_TTL_MS = 365 * DAY_MS;
const MAX_NAME = 200;
const MAX_AGENTS = 100;
/** The largest page. It holds all tokens of nearly every deployment. */
const MAX_LISTED = 1_000;

const TokenBody = z
  .strictObject({
    role: z.enum(["agent", "user", "plugin", "viewer"]).meta({
      aliases: ["type", "kind", "scope"],
      valueAliases: {
        readonly: "viewer",
        read_only: "viewer",
        reader: "viewer",
        read: "viewer",
        monitor: "viewer",
        bot: "agent",
        assistant: "agent",
      },
      description: "Whose token it is; a viewer reads everything and changes nothing.",
    }),
    agent_id: z
      .union([IdText, z.literal("")])
      .optional()
      .meta({ description: "Required for an agent; optional for a user or plugin." }),
    user_id: UserIdText.optional().meta({ description: "Required for a user; optional for an agent." }),
    plugin_id: boundedText(0, 128).optional().meta({ description: "Required for a plugin." }),
    name: boundedText(1, MAX_NAME).optional().meta({ description: "What the token is for; shown in the list." }),
    access: z
      .enum(["write", "read"])
      .optional()
      .meta({
        aliases: ["permissions", "permission", "scopes", "mode"],
        valueAliases: { readonly: "read", read_write: "write", rw: "write", full: "write" },
        description: "`read`: GET, and MCP's reading tools. Default `write`.",
      }),
    agents: z
      .array(IdText)
      .min(1)
      .max(MAX_AGENTS)
      .optional()
      .meta({ description: "The only agents that its jobs may name; left out: any." }),
    expires_in: DurationText.meta({
      aliases: ["ttl", "expires", "expiry", "lifetime", "valid_for", "expiration", "expires_at", "exp"],
      description: "How long the token is valid: 1s to 365d.",
      examples: ["30d"],
    }),
  })
  .meta({ examples: [{ role: "agent", agent_id: "assistant", expires_in: "30d" }] });

/** The ids of each role's token. The first is required. An id that the token lacks may have any value. */
const IDS = {
  agent: ["agent_id", "user_id"],
  user: ["user_id", "agent_id"],
  plugin: ["plugin_id", "agent_id"],
  viewer: [],
} as const;

/** The subject of the token, or the ids that do not go together. */
function callerOf(body: z.output<typeof TokenBody>): Outcome<BoundCaller | { readonly role: "viewer" }> {
  const { role } = body;
  const errors: FieldError[] = [];
  const ids: { agent_id?: string; user_id?: string; plugin_id?: string } = {};
  const [required] = IDS[role];
  for (const field of ["agent_id", "user_id", "plugin_id"] as const) {
    const id = body[field] === "" ? undefined : body[field];
    if (field === required && id === undefined) errors.push({ path: field, message: `is required for role "${role}"` });
    if (id === undefined) continue;
    if (IDS[role].some((allowed) => allowed === field)) ids[field] = id;
    else errors.push({ path: field, message: `does not go with role "${role}"; leave it out` });
  }
  const { agents } = body;
  if (agents !== undefined && role === "viewer") {
    errors.push({ path: "agents", message: 'does not go with role "viewer", which makes no jobs; leave it out' });
  }
  if (agents !== undefined && ids.agent_id !== undefined && !agents.includes(ids.agent_id)) {
    errors.push({ path: "agents", message: `must hold the token's own agent_id, "${ids.agent_id}", or be left out` });
  }
  if (errors.length > 0) return invalid(errors);
  const access = body.access === "read" ? body.access : undefined;
  return ok(role === "viewer" ? { role } : compact({ role, ...ids, agents, access }));
}

/** The subject of the token and how long it is valid, or all that is wrong with them. */
function tokenMeant(body: z.output<typeof TokenBody>) {
  const caller = callerOf(body);
  const ttl = parseDurationWithin(body.expires_in, MIN_TTL_MS, MAX_TTL_MS);
  const errors = caller.ok || caller.error.kind !== "validation_failed" ? [] : [...caller.error.errors];
  if (!ttl.ok) errors.push({ path: "expires_in", message: ttl.error });
  if (!caller.ok || !ttl.ok) return invalid(errors);
  return ok({ caller: caller.value, ttlMs: ttl.value });
}

const Token = z
  .strictObject({
    id: z.string().meta({ description: "The id for revoking the token; its claim `jti`." }),
    role: TokenBody.shape.role,
    agent_id: z.string().optional(),
    user_id: z.string().optional(),
    plugin_id: z.string().optional(),
    name: z.string().optional(),
    access: z.enum(["write", "read"]),
    agents: z.array(z.string()).optional(),
    created_at: z.string(),
    expires_at: z.string(),
  })
  .meta({ id: "Token", description: "A token that was issued, without the token itself." });

const tokenView = (token: RegisteredToken): z.output<typeof Token> => {
  const { agentId, userId, pluginId, createdAt, expiresAt, agents, ...rest } = token;
  return compact({
    ...rest,
    agent_id: agentId,
    user_id: userId,
    plugin_id: pluginId,
    agents: agents === undefined ? undefined : [...agents],
    created_at: formatInstant(createdAt),
    expires_at: formatInstant(expiresAt),
  });
};

function registered(
  id: string,
  name: string | undefined,
  caller: BoundCaller | { readonly role: "viewer" },
  createdAt: number,
  expiresAt: number,
): RegisteredToken {
  const listed = { id, name, role: caller.role, createdAt, expiresAt };
  if (caller.role === "viewer") return compact({ ...listed, access: "read" as const });
  const { agent_id: agentId, user_id: userId, plugin_id: pluginId, agents, access = "write" as const } = caller;
  return compact({ ...listed, agentId, userId, pluginId, agents, access });
}

const mint = route({
  method: "post",
  path: "/v1/tokens",
  access: "admin",
  id: "createToken",
  tag: "Tokens",
  summary: "Make a token",
  description:
    "Its bearer sees and touches only jobs that match every id it carries; a viewer reads everything. DELETE /v1/tokens/{id} revokes it.",
  body: { schema: TokenBody, meaning: ({ body }) => tokenMeant(body) },
  answers: {
    201: {
      description: "The token. It is shown only once.",
      schema: z.strictObject({ id: z.string(), token: z.string(), expires_at: z.string() }),
      headers: { "Cache-Control": "no-store" },
    },
  },
  async handle({ env, body, settings, caller: admin, now }) {
    const meant = tokenMeant(body);
    if (!meant.ok) return meant;
    const { caller, ttlMs } = meant.value;
    // A JWT counts whole seconds. Rounding up keeps a token of one second from being expired when it is issued.
    const expiresAt = Math.ceil((now + ttlMs) / SECOND_MS) * SECOND_MS;
    const id = timedId("t", now, crypto.getRandomValues(new Uint8Array(TIMED_ID_BYTES)));
    const token = await mintToken({ ...caller, token_id: id }, settings.TOKEN_SECRET, now, expiresAt);
    await registerToken(env, registered(id, body.name, caller, now, expiresAt), authorOf(admin));
    return reply(201, { id, token, expires_at: formatInstant(expiresAt) }, { "cache-control": "no-store" });
  },
});

const list = route({
  method: "get",
  path: "/v1/tokens",
  access: "admin",
  id: "listTokens",
  tag: "Tokens",
  summary: "List the tokens, newest first",
  description:
    "Lists tokens that have neither expired nor been revoked. The tokens themselves are not stored, so they are not shown.",
  query: z.strictObject({ limit: pageLimit(MAX_LISTED, MAX_LISTED), cursor: pageCursor }),
  answers: { 200: { description: "A page of tokens.", schema: pageShape(Token) } },
  async handle({ env, query, now }) {
    const page = await listTokens(env, query.limit, query.cursor, now);
    if (!page.ok) return page;
    return reply(200, mapPage(page.value, tokenView));
  },
});

const revoke = route({
  method: "delete",
  path: "/v1/tokens/:id",
  access: "admin",
  id: "revokeToken",
  tag: "Tokens",
  summary: "Revoke a token",
  description: "It is refused everywhere within 10 seconds, and streams and sockets that it has opened are closed.",
  answers: { 204: { description: "The token is revoked." } },
  errors: ["not_found"],
  async handle({ env, params, caller, now }) {
    const revoked = await revokeToken(env, params.id, authorOf(caller), now);
    return revoked.ok ? reply(204) : revoked;
  },
});

export const tokenRoutes = [mint, list, revoke] as const;
