/** HTTP in front of a queue of Node's: the same door that the others have. */
import { createServer, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import * as z from "zod";

export const Wake = z.object({ id: z.string(), due: z.number(), message: z.string() });
export type Wake = z.infer<typeof Wake>;

const NewJob = z.object({ at: z.number(), message: z.string() });
const FanOut = z.object({ users: z.number(), concurrency: z.number() });

/** `fanOut` runs once for each of so many users and resolves when every result is stored. */
export type Queue = { add(wake: Wake): Promise<void>; fanOut?(users: number, concurrency: number): Promise<void> };

/** Serves it on any free port and says so. */
export function serveQueue(queue: Queue): void {
  const server = createServer(async (request, response) => {
    try {
      const body: unknown = JSON.parse(await text(request));
      if (request.url === "/fan-out" && queue.fanOut !== undefined) {
        const { users, concurrency } = FanOut.parse(body);
        await queue.fanOut(users, concurrency);
        response.writeHead(200).end();
        return;
      }
      const { at, message } = NewJob.parse(body);
      const id = crypto.randomUUID();
      await queue.add({ id, due: at, message });
      response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ id, at }));
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error));
    }
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") console.log(`Ready on ${address.port}`);
  });
}

const connections = new HttpAgent({ keepAlive: true, maxSockets: 200 });

/** Calls the sink and returns its answer. Rejects on any status but 2xx. */
export function callAgent(url: string, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      { method: "POST", agent: connections, headers: { "content-type": "application/json" } },
      (response) => {
        text(response).then((answer) => {
          if (response.statusCode === 200) resolve(answer);
          else reject(new Error(`answered ${response.statusCode}`));
        }, reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(JSON.stringify(body));
  });
}

async function text(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
