/** `POST /v1/tokens`: the operator makes tokens for agents, users, plugins and viewers (CONTRACT.md §7). */
import * as z from "zod";
import { mintToken } from "../../agent/token.ts";
import { type FieldError, invalid, type Outcome } from "../../domain/failure.ts";
import type { Caller } from "../../domain/job/access.ts";
import { ok } from "../../domain/result.ts";
import { parseDuration } from "../../domain/time/duration.ts";
import { formatInstant } from "../../domain/time/instant.ts";
import { DAY_MS, SECOND_MS } from "../../schema/limits.ts";
import { DurationText } from "../../schema/schedule.ts";
import { boundedText, IdText, UserIdText } from "../../schema/text.ts";
import { reply, route } from "../route.ts";

const MIN_TTL_MS = SECOND_MS;
const MAX_TTL_MS = 365 * DAY_MS;

const TokenBody = z
  .strictObject({
    role: z.enum(["agent", "user", "plugin", "viewer"]).meta({
      aliases: ["type", "kind", "scope"],
      valueAliases: { readonly: "viewer", read_only: "viewer", reader: "viewer" },
      description: "Whose token it is; a viewer reads everything and changes nothing.",
    }),
    agent_id: z
      .union([IdText, z.literal("")])
      .optional()
      .meta({ description: "Required for an agent; optional for a user or plugin." }),
    user_id: UserIdText.optional().meta({ description: "Required for a user; optional for an agent." }),
    plugin_id: boundedText(0, 128).optional().meta({ description: "Required for a plugin." }),
    expires_in: DurationText.meta({
      aliases: ["ttl", "expires", "expiry", "lifetime", "valid_for", "expiration", "expires_at", "exp"],
      description: "How long the token is valid: 1s to 365d.",
      examples: ["30d"],
    }),
  })
  .meta({ examples: [{ role: "agent", agent_id: "assistant", expires_in: "30d" }] });

/** Ids that each role's token may carry; the first it must. An id that it lacks may have any value. */
const IDS = {
  agent: ["agent_id", "user_id"],
  user: ["user_id", "agent_id"],
  plugin: ["plugin_id", "agent_id"],
  viewer: [],
} as const;

/** Who the token speaks for, or what does not go together. */
function callerOf(body: z.output<typeof TokenBody>): Outcome<Caller> {
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
  if (errors.length > 0) return invalid(errors);
  return ok(role === "viewer" ? { role } : { role, ...ids });
}

const mint = route({
  method: "post",
  path: "/v1/tokens",
  access: "admin",
  id: "createToken",
  tag: "Tokens",
  summary: "Make a token",
  description:
    "Its bearer sees and touches only jobs that match every id it carries; a viewer reads everything. A token cannot be taken back, only outlived, or all of them by a new TOKEN_SECRET.",
  body: { schema: TokenBody },
  answers: {
    201: {
      description: "The token; it is shown this once.",
      schema: z.strictObject({ token: z.string(), expires_at: z.string() }),
      headers: { "Cache-Control": "no-store" },
    },
  },
  async handle({ body, settings, now }) {
    const caller = callerOf(body);
    if (!caller.ok) return caller;
    const ttlMs = parseDuration(body.expires_in);
    if (!ttlMs.ok) return invalid([{ path: "expires_in", message: ttlMs.error }]);
    if (ttlMs.value < MIN_TTL_MS || ttlMs.value > MAX_TTL_MS) {
      return invalid([{ path: "expires_in", message: `must be 1s to 365d; got "${body.expires_in}"` }]);
    }
    // A JWT counts whole seconds; rounding up keeps a token of one second from being born dead.
    const expiresAt = Math.ceil((now + ttlMs.value) / SECOND_MS) * SECOND_MS;
    const token = await mintToken(caller.value, settings.TOKEN_SECRET, now, expiresAt);
    return reply(201, { token, expires_at: formatInstant(expiresAt) }, { "cache-control": "no-store" });
  },
});

export const tokenRoutes = [mint] as const;
