/** WebSockets at the edge of HTTP: a browser's token, and the refusal of its socket (docs/contract.md §14). */
import { AGENT_DELETED, TOKEN_ENDED } from "../objects/mailbox.ts";
import { SUBPROTOCOL, TOKEN_PROTOCOL_PREFIX } from "../schema/mailbox.ts";
import type { HttpFailure } from "./failure.ts";
import { problemOf } from "./problem.ts";

const PROTOCOLS = "sec-websocket-protocol";
/** The close code of a refused socket (RFC 6455 §7.4.1, policy violation). Its reason has at most 123 bytes. */
const POLICY = 1008;
const MAX_REASON_CHARS = 120;

/** Whether the request asks for a WebSocket. */
export const isUpgrade = (request: Request): boolean => request.headers.get("upgrade")?.toLowerCase() === "websocket";

const offered = (request: Request): string[] =>
  (request.headers.get(PROTOCOLS) ?? "").split(",").map((protocol) => protocol.trim());

/** The token that a browser sends as a second subprotocol, since it cannot set headers. */
export function protocolToken(request: Request): string | undefined {
  if (!isUpgrade(request)) return undefined;
  return offered(request)
    .find((protocol) => protocol.startsWith(TOKEN_PROTOCOL_PREFIX))
    ?.slice(TOKEN_PROTOCOL_PREFIX.length);
}

/**
 * A refused socket, for a client that sent its token as a subprotocol. That is a browser, which cannot read the answer to
 * an upgrade. So the socket is opened and closed at once, with a code that says why.
 */
export function refusedSocket(request: Request, failure: HttpFailure): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  const code = failure.kind === "unauthorized" ? TOKEN_ENDED : failure.kind === "not_found" ? AGENT_DELETED : POLICY;
  server.close(
    code,
    problemOf(failure)
      .body.detail.replace(/[^ -~]/g, "?")
      .slice(0, MAX_REASON_CHARS),
  );
  const headers: HeadersInit = offered(request).includes(SUBPROTOCOL) ? { [PROTOCOLS]: SUBPROTOCOL } : {};
  return new Response(null, { status: 101, webSocket: client, headers });
}
