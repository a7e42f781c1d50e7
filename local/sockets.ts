/**
 * WebSockets on this machine, relayed message by message. workerd (1.20261023) closes a hibernating socket whose client has
 * sent nothing without ending its connection, and some clients then wait half a minute. Also, only the holder of the
 * connection can tell the client that the service stops: 1012, connect again (docs/contract.md §14).
 */

/** Answers 204 when the service stops, and anything else before. It is `stopping.ts`, bound by `runtime.ts`. */
type Stopping = { fetch(url: string): Promise<Response> };

type Worker<Env, Context> = { fetch(request: Request, env: Env, context: Context): Response | Promise<Response> };

/** The close codes for a server that cannot continue, and for one that restarts (RFC 6455 §7.4.1 and its registry). */
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

/**
 * Closes a socket when the service stops. Each call does so itself, since only the call that opened a socket can close it.
 */
async function closeAtStop(socket: WebSocket, stopping: Stopping): Promise<void> {
  try {
    while (socket.readyState === WebSocket.OPEN) {
      const { status } = await stopping.fetch("http://stopping/");
      if (status === STOPS) return socket.close(RESTART, "restart");
    }
  } catch {
    // This process or the socket is gone, and the client notices by itself.
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
    // The other side has gone. Its own event reports that.
  }
}

/** The codes that a server may send. The others only describe a broken connection. */
const isSendable = (code: number): boolean =>
  [1000, 1001, 1008, ABNORMAL, RESTART, 1013].includes(code) || (code >= 3000 && code <= 4999);
