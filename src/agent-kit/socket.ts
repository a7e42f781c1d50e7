/** The socket to an agent's mailbox (docs/contract.md §14): frames out, each with its answer, and runs in. */
import { parseJson } from "../domain/text/parse-json.ts";
import { isObject, type RunCall, runCallOf } from "./run.ts";
import { cancel } from "./wait.ts";

/** The answer to a frame. Undefined if the socket closed first or no answer came in time. */
export type Reply = { readonly status?: number } | undefined;

export type MailboxSocket = {
  /** Sends a frame about a run and waits for its `ok` or `problem`. Never rejects. */
  ask(
    type: "progress" | "complete" | "release",
    run: { readonly id: string; readonly job_id: string },
    fields: object,
  ): Promise<Reply>;
  /** Announces how many runs may be held at a time. */
  ready(capacity: number, lease: string): void;
  /** Asks for no further run. After this resolves, none comes. Never rejects. */
  drain(): Promise<Reply>;
  close(): void;
  /** The close code, once the socket has closed. `wasOpened` says whether it was ever open. */
  readonly closed: Promise<{ readonly code: number; readonly wasOpened: boolean }>;
};

/** The part of the WebSocket class that is used here. A runtime without its own can use a library's. */
export type SocketClass = new (
  url: string,
  protocols: string[],
) => {
  send(data: string): void;
  close(): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
};

const PROTOCOL = "reveille.v1";
const PING_MS = 30_000;
const PONG_LIMIT_MS = 15_000;
const REPLY_LIMIT_MS = 15_000;
const OPEN_LIMIT_MS = 20_000;
const ABNORMAL = 1006;

/** Whether the token has the form of a subprotocol (RFC 6455). Any other token uses the long poll. */
export const fitsProtocol = (token: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(token);

/** Opens a socket. `onOpen` is called once it is open, and `onRun` for each run, which is already claimed. */
export function openSocket(
  url: string,
  token: string,
  Socket: SocketClass,
  onOpen: (socket: MailboxSocket) => void,
  onRun: (call: RunCall) => void,
): MailboxSocket {
  const socket = new Socket(url, [PROTOCOL, `bearer.${token}`]);
  const waiting = new Map<string, ((reply: Reply) => void)[]>();
  let wasOpened = false;
  let isClosed = false;
  let pong: ReturnType<typeof setTimeout> | undefined;
  let finish: (end: { code: number; wasOpened: boolean }) => void;
  const closed = new Promise<{ code: number; wasOpened: boolean }>((resolve) => {
    finish = resolve;
  });
  // A dead peer does not close the socket. So a peer that does not answer is given up.
  const opening = setTimeout(() => end(ABNORMAL), OPEN_LIMIT_MS);
  const ping = setInterval(() => {
    if (!wasOpened || isClosed) return;
    socket.send("ping");
    pong ??= setTimeout(() => end(ABNORMAL), PONG_LIMIT_MS);
  }, PING_MS);

  function end(code: number): void {
    if (isClosed) return;
    isClosed = true;
    clearTimeout(opening);
    cancel(pong);
    clearInterval(ping);
    for (const replies of waiting.values()) for (const reply of replies) reply(undefined);
    waiting.clear();
    try {
      socket.close();
    } catch {
      // The socket was not open yet and closes by itself.
    }
    finish({ code, wasOpened });
  }

  const answered = (kind: string, runId: string, reply: Reply): void => {
    const replies = waiting.get(`${kind} ${runId}`);
    replies?.shift()?.(reply);
  };

  const opened: MailboxSocket = {
    ready: (capacity, lease) => send({ type: "ready", capacity, lease }),
    drain: () => request("drain", "", {}),
    ask: (type, { id, job_id }, fields) => request(type, id, { job_id, run_id: id, ...fields }),
    close: () => end(1000),
    closed,
  };
  const send = (frame: object): void => {
    if (!isClosed && wasOpened) socket.send(JSON.stringify(frame));
  };
  const request = (type: string, runId: string, fields: object): Promise<Reply> =>
    new Promise((resolve) => {
      if (isClosed || !wasOpened) return resolve(undefined);
      const key = `${type} ${runId}`;
      const replies = waiting.get(key) ?? [];
      waiting.set(key, replies);
      const timer = setTimeout(() => reply(undefined), REPLY_LIMIT_MS);
      const reply = (given: Reply): void => {
        cancel(timer);
        const index = replies.indexOf(reply);
        if (index >= 0) replies.splice(index, 1);
        resolve(given);
      };
      replies.push(reply);
      send({ type, ...fields });
    });

  socket.addEventListener("open", () => {
    wasOpened = true;
    clearTimeout(opening);
    if (!isClosed) onOpen(opened);
  });
  socket.addEventListener("message", ({ data }) => {
    if (isClosed || typeof data !== "string") return;
    cancel(pong);
    pong = undefined;
    const frame = parseJson(data);
    const call = runCallOf(frame);
    if (call !== undefined) onRun(call);
    else if (isObject(frame) && typeof frame.to === "string") {
      const runId = typeof frame.run_id === "string" ? frame.run_id : "";
      const problem = isObject(frame.problem) ? frame.problem : {};
      const status = typeof problem.status === "number" ? problem.status : 400;
      answered(frame.to, runId, frame.type === "ok" ? {} : { status });
    }
  });
  socket.addEventListener("close", ({ code }) => end(code));
  socket.addEventListener("error", () => end(ABNORMAL));
  return opened;
}
