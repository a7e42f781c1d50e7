/** A light HTTP client for one local server. Requests are prepared bytes, and kept connections carry one request at a time. */
import { createConnection, type Socket } from "node:net";
import { performance } from "node:perf_hooks";

export type Request = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type Reply = { readonly status: number; readonly body: string };

/** The result of a load: the time of each request in ms, in the order of their ends, and of all together. */
export type Load = { readonly latenciesMs: readonly number[]; readonly elapsedMs: number };

/** Sends all `requests` over `connections` connections, each as fast as it is answered. Throws on any answer that `isFine` refuses. */
export async function load(
  port: number,
  connections: number,
  requests: readonly Request[],
  isFine: (reply: Reply) => boolean = ({ status }) => status >= 200 && status < 300,
): Promise<Load> {
  const clients = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  // Bytes are made before the clock runs.
  const bytes = requests.map((request) => encode(request));
  const latenciesMs: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  try {
    await Promise.all(
      clients.map(async (client) => {
        for (let i = next++; i < bytes.length; i = next++) {
          const sentAt = performance.now();
          const reply = await client.send(bytes[i] ?? Buffer.alloc(0));
          latenciesMs.push(performance.now() - sentAt);
          if (!isFine(reply)) throw new Error(`${requests[i]?.path} was answered ${reply.status}: ${reply.body}`);
        }
      }),
    );
    return { latenciesMs, elapsedMs: performance.now() - startedAt };
  } finally {
    for (const client of clients) client.close();
  }
}

/** One request over a connection of its own. */
export async function call(port: number, request: Request): Promise<Reply> {
  const client = await connect(port);
  try {
    return await client.send(encode(request));
  } finally {
    client.close();
  }
}

export type Client = { send(bytes: Buffer): Promise<Reply>; close(): void };

/** The request as it goes over the wire. */
export function encode({ method, path, headers = {}, body = "" }: Request): Buffer {
  const lines = Object.entries({ host: "127.0.0.1", ...headers, "content-length": String(Buffer.byteLength(body)) });
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`,
  );
}

/** A kept connection to `port` of this machine. */
export async function connect(port: number): Promise<Client> {
  const socket = await open(port);
  let received = Buffer.alloc(0);
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const reply = parseReply(received);
    if (reply === undefined) return;
    received = Buffer.alloc(0);
    waiting?.resolve(reply);
    waiting = undefined;
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error(`The server on port ${port} has closed the connection`)));
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The answer, once all of it is there. Lengths are counted in bytes (latin1), the text is UTF-8. */
function parseReply(received: Buffer): Reply | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = received.toString("latin1", 0, headEnd);
  const status = Number(head.slice(9, 12));
  const body = received.subarray(headEnd + 4);
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    if (!body.subarray(-5).equals(LAST_CHUNK)) return undefined;
    return { status, body: dechunk(body) };
  }
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return body.length < length ? undefined : { status, body: body.toString("utf8") };
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function dechunk(body: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(parts).toString("utf8");
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
