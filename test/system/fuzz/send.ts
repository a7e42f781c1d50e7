/** Sends one request exactly as generated. `fetch` would repair or refuse requests that a hostile client sends. */
import { Agent, request } from "node:http";

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

const ANSWER_LIMIT_MS = 20_000;
const agent = new Agent({ keepAlive: true });

/** Returns the answer, or only the head of an event stream. Rejects if the connection breaks or nothing comes for too long. */
export function send(
  url: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const isChunked = "transfer-encoding" in headers;
  const length = body === undefined || isChunked ? {} : { "content-length": String(body.byteLength) };
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, method, path, headers: { ...headers, ...length }, agent, timeout: ANSWER_LIMIT_MS },
      (answer) => {
        const chunks: Buffer[] = [];
        const done = () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text: Buffer.concat(chunks).toString("utf8"),
          });
        if (answer.headers["content-type"]?.startsWith("text/event-stream") === true) {
          answer.on("error", () => undefined);
          done();
          answer.destroy();
          return;
        }
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("end", done);
        answer.once("error", reject);
      },
    );
    sent.once("timeout", () => sent.destroy(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)));
    sent.once("error", reject);
    sent.end(body);
  });
}
