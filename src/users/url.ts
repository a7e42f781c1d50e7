/**
 * The users of a fan-out from ACTIVE_USERS_URL (docs/contract.md §9): `GET ?cursor=`, answered with `{users: […],
 * next_cursor?}`. If USERS_SECRET is set, the call is signed with an empty body, so the server can verify the caller.
 */
import * as z from "zod";
import { err, ok, type Result } from "../domain/result.ts";
import { type CursorTrace, traceCursor } from "../domain/text/cursor-cycle.ts";
import type { Settings } from "../env.ts";
import type { Deadline } from "../outbound/deadline.ts";
import { checkEndpoint, isSameUrl } from "../outbound/endpoint.ts";
import type { Fetch } from "../outbound/exchange.ts";
import { readText } from "../outbound/output.ts";
import { request, type Trouble } from "../outbound/request.ts";
import { type Secrets, signedHeaders } from "../outbound/signature.ts";
import { KIB, SECOND_MS } from "../schema/limits.ts";
import { UserIdText } from "../schema/text.ts";
import { type ActiveUserSource, FOREIGN_CURSOR, type Page, type Reading, type SourceFailure } from "./source.ts";

const WHO = "ACTIVE_USERS_URL";
const PAGE_TIMEOUT_MS = 30 * SECOND_MS;
const MAX_PAGE_BYTES = 4 * KIB * KIB;
/** The most users of a page. It is held in memory, and each shard gets its part in one piece. */
const MAX_PAGE_USERS = 10_000;
const MAX_CURSOR_BYTES = 4 * KIB;

/** The next page's cursor. `""`, 0 and null mean that there is none, as empty optional values do everywhere. */
const NextCursor = z.union([z.string().max(MAX_CURSOR_BYTES), z.number(), z.null()]).optional();
const Answer = z.object({ users: z.array(UserIdText).max(MAX_PAGE_USERS), next_cursor: NextCursor });
const Position = z.object({
  next: z.string(),
  trace: z.object({ anchor: z.string(), steps: z.number(), limit: z.number() }),
});
type Position = { readonly next: string; readonly trace: CursorTrace };

type SigningSettings = Pick<
  Settings,
  "LOCAL" | "USERS_SECRET" | "AGENT_URL" | "AGENT_SECRET" | "AGENT_SECRET_PREVIOUS"
>;

export function urlSource(
  url: string,
  settings: SigningSettings,
  reading: Reading,
  fetchPage: Fetch = (input, init) => fetch(input, init),
): ActiveUserSource {
  return {
    async page(cursor) {
      const parsed = Position.optional().safeParse(cursor);
      if (!parsed.success) return FOREIGN_CURSOR;
      const at = parsed.data;
      const endpoint = checkEndpoint(url, { allowLoopbackHttp: settings.LOCAL });
      if (!endpoint.ok) return refuse(`ACTIVE_USERS_URL cannot be called: ${endpoint.error}`);
      const page = endpoint.value;
      if (at !== undefined) page.searchParams.set("cursor", at.next);
      const headers = await headersOf(secretOf(url, settings), reading);
      if (!headers.ok) return refuse(headers.error);
      const text = await get(page.href, headers.value, fetchPage);
      return text.ok ? readPage(text.value, at) : text;
    },
    close: () => undefined,
  };
}

const refuse = (reason: string) => err({ reason, retryable: false });
const failed = (reason: string) => err({ reason: `${WHO} ${reason}`, retryable: true });

/** USERS_SECRET, or the agent's secret if the URL is the agent's own (docs/contract.md §17). */
function secretOf(url: string, { USERS_SECRET, AGENT_URL, AGENT_SECRET, AGENT_SECRET_PREVIOUS }: SigningSettings) {
  if (USERS_SECRET !== undefined) return USERS_SECRET;
  const isAgents = AGENT_URL !== undefined && isSameUrl(url, AGENT_URL);
  return isAgents && AGENT_SECRET !== undefined ? [AGENT_SECRET, AGENT_SECRET_PREVIOUS].filter(isSet) : undefined;
}

const isSet = (secret: string | undefined): secret is string => secret !== undefined;

async function headersOf(
  secret: Secrets | undefined,
  { fanOutId, now }: Reading,
): Promise<Result<Record<string, string>, string>> {
  const accept = { accept: "application/json" };
  if (secret === undefined) return ok(accept);
  const timestampSeconds = Math.floor(now() / SECOND_MS);
  const signed = await signedHeaders({ secret, id: fanOutId, timestampSeconds, body: "" });
  return signed.ok
    ? ok({ ...accept, ...signed.value })
    : err(`the call of ACTIVE_USERS_URL cannot be signed: ${signed.error}`);
}

async function get(url: string, headers: Record<string, string>, fetch: Fetch): Promise<Result<string, SourceFailure>> {
  const call = { receiver: WHO, url, headers, timeoutMs: PAGE_TIMEOUT_MS, secrets: [] };
  const answered = await request(call, { fetch }, readBody);
  if (answered.ok) return answered;
  const { reason, passing, postponed } = answered.error;
  return err({ reason, retryable: passing, ...(postponed ? { postponed } : {}) });
}

async function readBody({ status, body }: Response, deadline: Deadline): Promise<Result<string, Trouble>> {
  const trouble = (reason: string, passing = true) => err({ reason: `${WHO} ${reason}`, passing });
  if (body === null) return trouble(`answered ${status} without a body`);
  const read = await readText(
    body,
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }),
    MAX_PAGE_BYTES,
    deadline,
  );
  if (read.kind === "undecodable") return trouble("answered what is not UTF-8");
  if (read.kind !== "text") return trouble("broke off its answer");
  return read.truncated
    ? trouble(`answered more than ${MAX_PAGE_BYTES} bytes; give smaller pages`, false)
    : ok(read.text);
}

function readPage(text: string, at: Position | undefined): Result<Page, SourceFailure> {
  const answer = Answer.safeParse(parseJson(text));
  if (!answer.success) {
    const [issue] = answer.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : ` (${issue.path.join(".")}: ${issue.message})`;
    return failed(`answered something else than {"users": […], "next_cursor"?: …}${where}`);
  }
  const users = answer.data.users.filter((user) => user !== "");
  const { next_cursor: nextCursor } = answer.data;
  if (nextCursor === undefined || nextCursor === null || nextCursor === "" || nextCursor === 0) return ok({ users });
  const next = String(nextCursor);
  const trace = next === at?.next ? undefined : traceCursor(at?.trace, next);
  if (trace === undefined)
    return refuse("ACTIVE_USERS_URL gives the same next_cursor again, so its pages would never end");
  return ok({ users, cursor: { next, trace } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
