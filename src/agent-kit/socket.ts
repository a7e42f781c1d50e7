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

export type SocketOptions = {
  readonly url: string;
  readonly token: string;
  readonly Socket: SocketClass;
  /** Called once the socket is open. */
  readonly onOpen: (socket: MailboxSocket) => void;
  /** Called for each run, which is already claimed. */
  readonly onRun: (call: RunCall) => void;
};

/** Opens a socket to a mailbox. */
export function openSocket({ url, token, Socket, onOpen, onRun }: SocketOptions): MailboxSocket {
  const socket = new Socket(url, [PROTOCOL, `bearer.${token}`]);
  const waiting = new WaitingFrames();
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
    waiting.giveUp();
    try {
      socket.close();
    } catch {
      // The socket was not open yet and closes by itself.
    }
    finish({ code, wasOpened });
  }

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
  const request = async (type: string, runId: string, fields: object): Promise<Reply> => {
    if (isClosed || !wasOpened) return undefined;
    const reply = waiting.next(type, runId);
    send({ type, ...fields });
    return reply;
  };

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
      waiting.answer(frame.to, runId, frame.type === "ok" ? {} : { status });
    }
  });
  socket.addEventListener("close", ({ code }) => end(code));
  socket.addEventListener("error", () => end(ABNORMAL));
  return opened;
}

/** The frames that wait for their answers. Those of one kind about one run are answered in the order in which they were sent. */
class WaitingFrames {
  readonly #replies = new Map<string, ((reply: Reply) => void)[]>();

  /** The answer to the frame that is sent next. Undefined if none comes in time. */
  next(type: string, runId: string): Promise<Reply> {
    const key = `${type} ${runId}`;
    const replies = this.#replies.get(key) ?? [];
    this.#replies.set(key, replies);
    return new Promise((resolve) => {
      const timer = setTimeout(() => reply(undefined), REPLY_LIMIT_MS);
      const reply = (given: Reply): void => {
        cancel(timer);
        const index = replies.indexOf(reply);
        if (index >= 0) replies.splice(index, 1);
        resolve(given);
      };
      replies.push(reply);
    });
  }

  answer(type: string, runId: string, reply: Reply): void {
    this.#replies.get(`${type} ${runId}`)?.shift()?.(reply);
  }

  /** No answer comes any more. */
  giveUp(): void {
    for (const replies of this.#replies.values()) for (const reply of [...replies]) reply(undefined);
    this.#replies.clear();
  }
}
