/** Spans of runs reach a real collector over HTTP (docs/operations.md), and a missing collector affects no run. */
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod";
import {
  type Agent,
  atEnd,
  eventually,
  type Reveille,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../harness/index.ts";

const Span = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  status: z.looseObject({ code: z.number().optional() }),
});
const Traces = z.object({
  resourceSpans: z.array(z.looseObject({ scopeSpans: z.array(z.looseObject({ spans: z.array(Span) })) })),
});

const spans: z.infer<typeof Span>[] = [];
const seen: { readonly path: string | undefined; readonly authorization: string | undefined }[] = [];
let isDown = false;
const collector = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  seen.push({ path: request.url, authorization: request.headers.authorization });
  if (isDown) return void request.socket.destroy();
  const { resourceSpans } = Traces.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
  spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
  response.writeHead(200, { "content-type": "application/json" }).end("{}");
});

let agent: Agent;
let service: Reveille;
beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise<void>((resolve) => void collector.close(() => resolve())));
  const address = collector.address();
  const port = typeof address === "object" ? address?.port : undefined;
  agent = await startAgent();
  service = await startReveille({
    dataDir: await temporaryFolder(),
    env: {
      AGENT_URL: agent.url,
      AGENT_SECRET: agent.secret,
      OTLP_URL: `http://127.0.0.1:${port}/otlp`,
      OTLP_HEADERS: "authorization=Bearer%20collector",
    },
  });
});
afterAll(() => service.stop());

async function makeJob(fields: object = {}): Promise<string> {
  const json = { name: "Traced", message: "m", schedule: { manual: true }, ...fields };
  const response = await service.api("/v1/jobs", { method: "POST", json });
  return String(z.looseObject({ id: z.string() }).parse(await response.json()).id);
}
const runNow = async (id: string): Promise<string> => {
  const response = await service.api(`/v1/jobs/${id}/run`, { method: "POST", json: { wait: "20s" } });
  return z.looseObject({ status: z.string() }).parse(await response.json()).status;
};

it("a run with a retry is one trace, whose attempts are the parents that the agent was given", async () => {
  agent.answerWith((_call, index) => ({ status: index === 0 ? 503 : 200 }));
  const id = await makeJob({ retry: { max_attempts: 2, min_backoff: "1s" } });
  expect(await runNow(id)).toBe("success");
  const [root] = await eventually("the run's span", () => spans.some(({ name }) => name === "run") && spans);
  const attempts = spans.filter(({ name }) => name === "attempt");
  expect(attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)).toEqual(
    agent.calls.map(({ headers }) => headers.traceparent),
  );
  expect(attempts.map(({ status }) => status.code)).toEqual([2, undefined]);
  expect(attempts.every(({ parentSpanId }) => parentSpanId === root?.spanId)).toBe(true);
  expect(seen).toEqual([{ path: "/otlp/v1/traces", authorization: "Bearer collector" }]);
});

it("the runs of a fan-out's users are posted when they end, many in one post", async () => {
  agent.answerWith(() => ({ status: 200 }));
  await service.api("/v1/users/import", { method: "POST", json: { users: ["a", "b", "c"] } });
  const before = spans.length;
  const id = await makeJob({ exec_scope: "all_users" });
  await service.api(`/v1/jobs/${id}/run`, { method: "POST" });
  await eventually("three runs' spans", () => spans.slice(before).filter(({ name }) => name === "run").length === 3);
});

it("a collector that is down fails no run", async () => {
  isDown = true;
  const before = seen.length;
  expect(await runNow(await makeJob())).toBe("success");
  await eventually("the collector was asked", () => seen.length > before);
  await eventually("the log says so", () => service.output().includes("Spans of runs were dropped"));
});
