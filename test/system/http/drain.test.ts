/** A refusal before the body has been read still arrives, because the connection is not closed during the sending. */
import { request } from "node:http";
import { beforeAll, expect, it } from "vitest";
import { send } from "../fuzz/send.ts";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const MIB = 1_048_576;
/** Number of calls. Without draining, about one call in four found a broken connection. */
const TIMES = 12;

let reveille: Reveille;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
});

it.each([
  ["POST", "/v1/jobs", MIB, "application/json", 413],
  ["POST", "/v1/jobs", 5 * MIB, "text/html", 415],
  ["POST", "/v1/import", 11 * MIB, "application/json", 413],
  ["POST", "/v1/no-such-path", 5 * MIB, "application/json", 404],
  ["PUT", "/v1/jobs", 5 * MIB, "application/json", 405],
  ["GET", "/openapi.json", 2 * MIB, "application/json", 200],
])("%s %s with a body of %i bytes as %s is answered %i every time", async (method, path, bytes, type, status) => {
  const headers = { authorization: `Bearer ${reveille.adminToken}`, "content-type": type };
  const body = Buffer.alloc(bytes, "[");
  for (let time = 0; time < TIMES; time++) {
    expect((await send(reveille.url, method, path, headers, body)).status).toBe(status);
  }
});

it("a body of unknown length is answered 413 once it is too long", async () => {
  const headers = {
    authorization: `Bearer ${reveille.adminToken}`,
    "content-type": "application/json",
    "transfer-encoding": "chunked",
  };
  for (let time = 0; time < TIMES; time++) {
    expect((await send(reveille.url, "POST", "/v1/jobs", headers, Buffer.alloc(3 * MIB, "["))).status).toBe(413);
  }
});

it("a refusal waits 5 s at most for a body that comes a byte at a time", async () => {
  const headers = { "content-type": "application/json", "content-length": "100000" };
  const { promise: answered, resolve, reject } = Promise.withResolvers<number>();
  const call = request(`${reveille.url}/v1/jobs`, { method: "POST", headers }, (answer) =>
    resolve(answer.statusCode ?? 0),
  );
  call.once("error", reject);
  call.write("[");
  const drip = setInterval(() => call.write("["), 200);
  const begun = Date.now();
  expect(await answered).toBe(401);
  clearInterval(drip);
  call.destroy();
  expect(Date.now() - begun).toBeLessThan(10_000);
});
