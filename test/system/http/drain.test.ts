/** A refusal that comes before the body has been read still arrives: the connection is not broken under the sender. */
import { beforeAll, expect, it } from "vitest";
import { send } from "../fuzz/send.ts";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const MIB = 1_048_576;
/** A broken connection is a matter of luck: without the draining, about one call in four met it. */
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
