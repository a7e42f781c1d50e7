/** Takes runs out of a mailbox, at once or after waiting (docs/contract.md §14). HTTP and the tools of MCP call it. */
import { isRevoked } from "../directory/tokens.ts";
import { type Failure, invalid, notFound, type Outcome } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { parseDuration } from "../domain/time/duration.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import {
  AGENT_DELETED,
  AGENT_MOVED,
  type Claimant,
  mailboxObject,
  POLL_DONE,
  SOCKET_REQUEST_HEADER,
  type SocketRequest,
  TOKEN_ENDED,
} from "../objects/mailbox.ts";
import type { JobRunBody } from "../schema/agent-call.ts";
import { DEFAULT_LEASE_MS, MAX_CLAIM_WAIT_MS, MAX_LEASE_MS, MIN_LEASE_MS, SECOND_MS } from "../schema/limits.ts";

/** A claim. `waitMs` is how long to wait for a run if none is offered. */
export type Claim = {
  readonly caller: Claimant;
  readonly waitMs: number;
  readonly limit: number;
  readonly leaseMs: number;
};

/** Why a claim stops waiting: a call's failure, or the expiry or revocation of its token. */
export type ClaimFailure = Failure | { readonly kind: "token_ended" };

type Claimed<T> = Result<T, ClaimFailure>;

/** The pause after which a claim continues when a restarted mailbox has dropped its socket. */
const RECONNECT_MS = 250;
/** The wait for the mailbox's answer whether a run was on its way when the time ended. */
const FAREWELL_MS = 2 * SECOND_MS;

/** The lease that a client asks for, 10s to 1h. Left out: a minute. Errors: `validation_failed` on `lease`. */
export const leaseMsOf = (text: string | undefined): Outcome<number> =>
  durationIn("lease", text, DEFAULT_LEASE_MS, { min: MIN_LEASE_MS, max: MAX_LEASE_MS, range: "10s to 1h" });

/** The time that a client will wait, 0s to 50s. Left out: it does not wait. Errors: `validation_failed` on `wait`. */
export const waitMsOf = (text: string | undefined): Outcome<number> =>
  durationIn("wait", text, 0, { min: 0, max: MAX_CLAIM_WAIT_MS, range: "0s to 50s" });

function durationIn(
  path: string,
  text: string | undefined,
  fallback: number,
  { min, max, range }: { readonly min: number; readonly max: number; readonly range: string },
): Outcome<number> {
  if (text === undefined) return ok(fallback);
  const ms = parseDuration(text);
  if (!ms.ok) return invalid([{ path, message: ms.error }]);
  return ms.value >= min && ms.value <= max
    ? ok(ms.value)
    : invalid([{ path, message: `must be ${range}; got "${text}"` }]);
}

/**
 * Claims the oldest runs that the caller may see, up to `limit`, and waits up to `waitMs` for the first. The Worker holds
 * the wait over a socket that lets the mailbox hibernate. Errors: `not_found`, `agent_has_url` and `token_ended`, also if
 * they arise during the wait.
 */
export async function claimRuns(env: Env, agentId: string, claim: Claim): Promise<Claimed<readonly JobRunBody[]>> {
  const { caller, waitMs, limit, leaseMs } = claim;
  if (waitMs === 0) return ok(await mailboxObject(env, agentId).claim({ caller, limit, leaseMs }));
  const tokenEndsAt = (caller.role === "admin" ? undefined : caller.expires_at) ?? Number.POSITIVE_INFINITY;
  const endsAt = Math.min(Date.now() + waitMs, tokenEndsAt);
  for (;;) {
    const got = await waitOnce(env, agentId, claim, endsAt - Date.now());
    if (got !== "closed") return got.ok && got.value.length === 0 && endsAt === tokenEndsAt ? TOKEN_OVER : got;
    // The mailbox was restarted. Its offers remain, but its sockets are gone.
    if (Date.now() + RECONNECT_MS >= endsAt) return ok([]);
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    try {
      // A mailbox without the socket could not close it when the token was revoked.
      if (await isRevoked(env, caller, Date.now())) return TOKEN_OVER;
    } catch (error) {
      logError("A claim's token cannot be checked, so its wait ends", { agent_id: agentId }, error);
      return ok([]);
    }
  }
}

const TOKEN_OVER = err({ kind: "token_ended" } as const);

async function waitOnce(
  env: Env,
  agentId: string,
  { caller, limit, leaseMs }: Claim,
  limitMs: number,
): Promise<Claimed<readonly JobRunBody[]> | "closed"> {
  const request: SocketRequest = { kind: "poll", caller, limit, leaseMs };
  const headers = { upgrade: "websocket", [SOCKET_REQUEST_HEADER]: JSON.stringify(request) };
  const response = await mailboxObject(env, agentId).fetch(new Request("https://mailbox/", { headers }));
  const { webSocket: socket } = response;
  if (socket === null) return response.ok ? ok(await response.json<JobRunBody[]>()) : "closed";
  const message = Promise.withResolvers<string | ClaimFailure | undefined>();
  socket.addEventListener("message", ({ data }) => message.resolve(String(data)));
  socket.addEventListener("close", ({ code }) => message.resolve(closedBecause(code, agentId)));
  // The mailbox looks for an offer when the socket is open. So no offer is missed between an earlier look and the wait.
  socket.accept();
  const wait = (ms: number) => {
    const over = Promise.withResolvers<"over">();
    const timer = setTimeout(() => over.resolve("over"), ms);
    return Promise.race([message.promise, over.promise]).finally(() => clearTimeout(timer));
  };
  let got = await wait(Math.max(0, limitMs));
  if (got === "over") {
    // A run may be on its way. The mailbox answers with it, or that there is none.
    socket.send(POLL_DONE);
    got = await wait(FAREWELL_MS);
  }
  socket.close(1000, POLL_DONE);
  if (got === "over" || got === POLL_DONE) return ok([]);
  if (got === undefined) return "closed";
  if (typeof got !== "string") return err(got);
  const first: JobRunBody = JSON.parse(got);
  if (limit === 1) return ok([first]);
  // Others may have been offered in the same moment.
  return ok([first, ...(await mailboxObject(env, agentId).claim({ caller, limit: limit - 1, leaseMs }))]);
}

/** Why the mailbox has closed a waiting socket. Undefined means that it was restarted. */
function closedBecause(code: number, agent: string): ClaimFailure | undefined {
  if (code === AGENT_DELETED) return notFound("agent").error;
  if (code === AGENT_MOVED) return { kind: "agent_has_url", agent };
  return code === TOKEN_ENDED ? TOKEN_OVER.error : undefined;
}
