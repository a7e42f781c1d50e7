/**
 * WebSockets on this machine, passed on message by message. workerd (1.20261023) closes a hibernating socket on which the client has sent
 * nothing without ending its connection, and some clients then wait for half a minute. And only what holds the connection can say that
 * the service stops: 1012, connect again (docs/contract.md §14).
 */

/** Answers 204 when the service stops, and anything else in between: `stopping.ts`, bound by `runtime.ts`. */
type Stopping = { fetch(url: string): Promise<Response> };

type Worker<Env, Context> = { fetch(request: Request, env: Env, context: Context): Response | Promise<Response> };

/** RFC 6455 §7.4.1 and its registry: a server that cannot go on, and one that is restarted. */
const ABNORMAL = 1011;
const RESTART = 1012;
const STOPS = 204;

/** The Worker with its sockets relayed. */
export function withSockets<Env extends object, Context>(worker: Worker<Env, Context>) {
  return {
    ...worker,
    async fetch(request: Request, env: Env & { readonly STOPPING?: Stopping }, context: Context): Promise<Response> {
      const answer = await worker.fetch(request, env, context);
      return answer.webSocket === null ? answer : relayed(answer, answer.webSocket, env.STOPPING);
    },
  };
}

function relayed(answer: Response, inner: WebSocket, stopping: Stopping | undefined): Response {
  const { 0: client, 1: outer } = new WebSocketPair();
  forward(inner, outer);
  forward(outer, inner);
  inner.accept();
  outer.accept();
  if (stopping !== undefined) void closeAtStop(outer, stopping);
  return new Response(null, { status: answer.status, webSocket: client, headers: answer.headers });
}

/** Each asks for itself: a socket can be closed by nothing but the call that has opened it. */
async function closeAtStop(socket: WebSocket, stopping: Stopping): Promise<void> {
  try {
    while (socket.readyState === WebSocket.OPEN) {
      const { status } = await stopping.fetch("http://stopping/");
      if (status === STOPS) return socket.close(RESTART, "restart");
    }
  } catch {
    // This process is gone, or the socket: its client finds out without a word.
  }
}

function forward(from: WebSocket, to: WebSocket): void {
  from.addEventListener("message", ({ data }) => quietly(() => to.send(data)));
  from.addEventListener("close", ({ code, reason }) =>
    quietly(() => to.close(isSendable(code) ? code : ABNORMAL, reason)),
  );
  from.addEventListener("error", () => quietly(() => to.close(ABNORMAL, "the connection broke")));
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // The other side has gone: its own event says so.
  }
}

/** The codes that a server may send; the others only say how a connection broke off. */
const isSendable = (code: number): boolean =>
  [1000, 1001, 1008, ABNORMAL, RESTART, 1013].includes(code) || (code >= 3000 && code <= 4999);
