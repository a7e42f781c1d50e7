/** DNS rebinding: a page whose own name resolves to this machine gets no answer from any path. */
import { beforeAll, expect, it } from "vitest";
import { send } from "../fuzz/send.ts";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

let reveille: Reveille;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
});

it.each([
  ["POST", "/mcp"],
  ["GET", "/v1/jobs"],
  ["GET", "/openapi.json"],
  ["GET", "/healthz"],
])("%s %s is refused under a foreign host name, and answered under one of this machine", async (method, path) => {
  const { port } = new URL(reveille.url);
  const body = method === "POST" ? Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}') : undefined;
  const headers = { authorization: `Bearer ${reveille.adminToken}`, "content-type": "application/json" };
  const under = (host: string) => send(reveille.url, method, path, { ...headers, host: `${host}:${port}` }, body);
  const foreign = await under("evil.example");
  expect([foreign.status, JSON.parse(foreign.text).code]).toEqual([403, "forbidden"]);
  expect((await under("localhost")).status).toBe(200);
});
