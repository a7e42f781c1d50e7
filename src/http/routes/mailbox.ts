/** `/v1/agents/{id}/claim` and `/connect`: an agent without an address takes its runs here (docs/contract.md §14). */
import { claimRuns, leaseMsOf, waitMsOf } from "../../agent/claim.ts";
import { deliveryOf, findAgent } from "../../directory/agents.ts";
import { closeStream, newLease, openSocket } from "../../directory/streams.ts";
import { forbidden, invalid, notFound } from "../../domain/failure.ts";
import type { Caller } from "../../domain/job/access.ts";
import { err, ok, type Result } from "../../domain/result.ts";
import type { Env, Settings } from "../../env.ts";
import { type Claimant, mailboxObject, SOCKET_REQUEST_HEADER, type SocketRequest } from "../../objects/mailbox.ts";
import { MAX_AGENT_SOCKETS, MAX_TOKEN_STREAMS } from "../../schema/limits.ts";
import { ClaimBody, Claimed } from "../../schema/mailbox.ts";
import type { HttpFailure } from "../failure.ts";
import { reply, route } from "../route.ts";
import { isUpgrade } from "../socket.ts";

const tag = "Agents";
/** The time after which an agent with its most sockets open may try another one. */
const SOCKET_RETRY_SECONDS = 5;

const claim = route({
  method: "post",
  path: "/v1/agents/:id/claim",
  access: "claim",
  id: "claimRuns",
  tag,
  summary: "Take runs out of an agent's mailbox",
  description:
    "For an agent with delivery pull. It answers the oldest offered runs that the token may see, each with the body of a call to an agent with a URL. A claimed run is treated as after a 202: complete it, or report progress, before its lease runs out. With `wait` the answer comes as soon as a run is offered.",
  body: { schema: ClaimBody, optional: true },
  answers: { 200: { description: "The claimed runs; none if nothing was offered in time.", schema: Claimed } },
  errors: ["not_found", "agent_has_url"],
  async handle({ env, settings, caller, params, body, now }) {
    const mailbox = await findMailbox(env, settings, caller, params.id, now);
    if (!mailbox.ok) return mailbox;
    const waitMs = waitMsOf(body.wait);
    const leaseMs = leaseMsOf(body.lease);
    if (!waitMs.ok) return waitMs;
    if (!leaseMs.ok) return leaseMs;
    const terms = { caller: mailbox.value, waitMs: waitMs.value, leaseMs: leaseMs.value, limit: body.limit };
    const claimed = await claimRuns(env, params.id, terms);
    if (claimed.ok) return reply(200, { items: [...claimed.value] });
    const { error } = claimed;
    return err(error.kind === "token_ended" ? { kind: "unauthorized", detail: TOKEN_OVER } : error);
  },
});

const TOKEN_OVER = "The token has expired, or was revoked, while the call waited.";

const connect = route({
  method: "get",
  path: "/v1/agents/:id/connect",
  access: "claim",
  id: "connectAgent",
  tag,
  summary: "Open a socket to an agent's mailbox",
  description:
    'A WebSocket with the subprotocol `reveille.v1`; a browser sends its token as a second one, `bearer.TOKEN`. Send `{"type": "ready", "capacity": 1}` and runs come as they are offered, already claimed; report with `{"type": "progress" | "complete" | "release", "job_id", "run_id", …}`, and each is answered `ok` or `problem`. `{"type": "drain"}` asks for no further run until the next `ready`. `ping` is answered `pong`. Close codes: 4401 the token has ended, 4404 the agent was deleted, 1012 and 1006 connect again.',
  answers: { 101: { description: "The socket is open." } },
  errors: ["not_found", "agent_has_url", "rate_limited"],
  async handle({ env, settings, caller, params, request, now }) {
    const mailbox = await findMailbox(env, settings, caller, params.id, now);
    if (!mailbox.ok) return mailbox;
    if (!isUpgrade(request)) return invalid([{ path: "upgrade", message: NOT_A_SOCKET }]);
    const lease = newLease(now);
    if (!(await openSocket(env, caller, lease))) return err(TOO_MANY_OF_TOKEN);
    const opening: SocketRequest = { kind: "agent", caller: mailbox.value, lease };
    const headers = new Headers(request.headers);
    headers.set(SOCKET_REQUEST_HEADER, JSON.stringify(opening));
    const answer = await mailboxObject(env, params.id).fetch(new Request("https://mailbox/", { headers }));
    if (answer.status === 429) {
      await closeStream(env, caller, lease);
      return err(TOO_MANY_OF_AGENT);
    }
    return answer;
  },
});

const TOO_MANY_OF_TOKEN = {
  kind: "rate_limited",
  retryAfterSeconds: SOCKET_RETRY_SECONDS,
  detail: `This token has ${MAX_TOKEN_STREAMS} event streams and sockets open, which is the most.`,
} as const;
const TOO_MANY_OF_AGENT = {
  kind: "rate_limited",
  retryAfterSeconds: SOCKET_RETRY_SECONDS,
  detail: `This agent has ${MAX_AGENT_SOCKETS} sockets open, which is the most.`,
} as const;

const NOT_A_SOCKET =
  "is missing: this path is a WebSocket; open it with the subprotocol reveille.v1, or POST …/claim instead";

/** The mailbox to open, and its caller. Errors: `not_found`, `agent_has_url`. */
async function findMailbox(
  env: Env,
  settings: Settings,
  caller: Caller,
  id: string,
  now: number,
): Promise<Result<Claimant, HttpFailure>> {
  // The route's rule admits no other callers.
  if (caller.role !== "admin" && caller.role !== "agent") return forbidden("Only agents take runs out of a mailbox.");
  const agent = await findAgent(env, settings, id, now);
  if (agent === undefined) return notFound("agent");
  return deliveryOf(agent) === "push" ? err({ kind: "agent_has_url", agent: id }) : ok(caller);
}

export const mailboxRoutes = [claim, connect] as const;
