/** The changes of a registered agent (docs/contract.md §14, §17). Pure: the clock and a new secret are passed in. */
import { compact } from "../compact.ts";
import { invalid, type Outcome } from "../failure.ts";
import { err, ok } from "../result.ts";
import { type AgentHeaders, acceptHeaders } from "./headers.ts";

/** An agent as it is stored. `url` is `""` for one without an address. Instants are epoch ms. */
export type RegisteredAgent = {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  /** The previous secret. Until `until`, calls carry a signature with each of the two. */
  readonly previous?: { readonly secret: string; readonly until: number } | undefined;
  readonly headers?: AgentHeaders | undefined;
  /** A template for the body of calls, in place of our own body. */
  readonly body?: unknown;
};

/** The request, checked except against the stored agent. A field that is left out stays; null removes it. */
export type AgentChange = {
  /** `""`: the agent has no address. */
  readonly url?: string | undefined;
  readonly secret?: string | undefined;
  /** Makes a new secret. The previous one stays valid for `overlapMs`. */
  readonly rotate?: { readonly overlapMs: number } | undefined;
  readonly headers?: AgentHeaders | null | undefined;
  readonly body?: unknown;
  /** The agent asks for itself. It may open its mailbox but not remove its URL, which is the operator's. */
  readonly byItself?: boolean;
};

/** `secret` is present if this change generated it. */
export type AgentChanged = { readonly agent: RegisteredAgent; readonly created: boolean; readonly secret?: string };

/**
 * Changes or creates an agent. Errors: `validation_failed` on `url` if none is known, or on `headers` if a masked value
 * matches nothing; `agent_has_url`.
 */
export function changeAgent(
  id: string,
  present: RegisteredAgent | undefined,
  change: AgentChange,
  makeSecret: () => string,
  now: number,
): Outcome<AgentChanged> {
  const created = present === undefined;
  const url = change.url ?? (present?.url || undefined);
  if (url === undefined) return invalid([{ path: "url", message: URL_NEEDED }]);
  if (change.byItself && present?.url) return err({ kind: "agent_has_url", agent: id });
  if (url === "") return ok({ agent: { id, url, secret: "" }, created });
  const headers = headersAfter(present?.headers, change.headers);
  if (!headers.ok) return headers;
  const body = change.body === undefined ? present?.body : (change.body ?? undefined);
  const { secret, previous, made } = secretsAfter(present, change, makeSecret, now);
  const agent = compact({ id, url, secret, previous, headers: headers.value, body });
  return ok({ agent, created, ...(made ? { secret } : {}) });
}

const URL_NEEDED = 'is required: where calls go; or, for an agent without an address, send {"delivery": "pull"}';

function headersAfter(
  stored: AgentHeaders | undefined,
  written: AgentChange["headers"],
): Outcome<AgentHeaders | undefined> {
  if (written === undefined) return ok(stored);
  if (written === null || Object.keys(written).length === 0) return ok(undefined);
  const accepted = acceptHeaders(written, stored);
  return accepted.ok ? accepted : invalid(accepted.error);
}

function secretsAfter(
  present: RegisteredAgent | undefined,
  { secret: given, rotate }: AgentChange,
  makeSecret: () => string,
  now: number,
): { readonly secret: string; readonly previous: RegisteredAgent["previous"]; readonly made: boolean } {
  const kept = present?.secret || undefined;
  const stays = rotate === undefined ? kept : undefined;
  const secret = given ?? stays ?? makeSecret();
  const made = given === undefined && stays === undefined;
  if (secret === kept) return { secret, previous: inForce(present?.previous, now), made };
  const overlapMs = rotate?.overlapMs ?? 0;
  const previous = kept === undefined || overlapMs === 0 ? undefined : { secret: kept, until: now + overlapMs };
  return { secret, previous, made };
}

const inForce = (previous: RegisteredAgent["previous"], now: number): RegisteredAgent["previous"] =>
  previous !== undefined && previous.until > now ? previous : undefined;

/** The secrets that sign a call at `now`, newest first. */
export function secretsOf({ secret, previous }: RegisteredAgent, now: number): string | readonly string[] {
  const former = inForce(previous, now);
  return former === undefined ? secret : [secret, former.secret];
}
