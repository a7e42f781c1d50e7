/** The exposure of `npm start`: it is not reachable from the network, and prints no secrets and no prompts. */
import { connect } from "node:net";
import { beforeAll, expect, it } from "vitest";
import { eventually, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const SECRETS = {
  ADMIN_TOKEN: "operator-d41d8cd98f00b204e9800998ecf8427e",
  TOKEN_SECRET: "0123456789abcdef0123456789abcdef",
  AGENT_SECRET: "whsec_dGhlIHNlY3JldCBvZiB0aGUgYWdlbnQgaW4gdGVzdHM=",
};
const PROMPT = "a prompt that is nobody else's business";
const ANSWER = "an answer that is nobody else's business";

let reveille: Reveille;
beforeAll(async () => {
  const agent = await startAgent((_, index) => (index === 0 ? { status: 400, body: ANSWER } : { body: ANSWER }));
  const env = { ...SECRETS, AGENT_URL: `${agent.url}?key=hidden` };
  reveille = await startReveille({ dataDir: await temporaryFolder(), env });
});

const reach = (host: string): Promise<string> =>
  new Promise((done) => {
    const socket = connect(reveille.port, host, () => {
      socket.destroy();
      done("reached");
    });
    socket.once("error", (error) => done("code" in error ? String(error.code) : error.message));
  });

it("listens on 127.0.0.1 alone, so that no other machine can reach it", async () => {
  expect(await reach("127.0.0.1")).toBe("reached");
  // Another address of loopback, on which a service on all addresses would answer.
  expect(await reach("127.0.0.2")).toBe("ECONNREFUSED");
});

it("prints no secret, no prompt, no answer and no URL, whether calls succeed or fail", async () => {
  const minted = await reveille.api("/v1/tokens", { json: { role: "viewer", expires_in: "1h" } });
  const { token }: { token: string } = await minted.json();
  const made = await reveille.api("/v1/jobs", {
    json: { name: "quiet", message: PROMPT, payload: { secret: PROMPT }, schedule: { every: "1s", max_runs: 2 } },
  });
  const { id }: { id: string } = await made.json();
  await eventually("a run that failed and one that did not", async () => {
    const { items }: { items: { status: string }[] } = await (await reveille.api(`/v1/jobs/${id}/runs`)).json();
    return items.some(({ status }) => status === "error") && items.some(({ status }) => status === "success");
  });
  await reveille.api("/v1/jobs", { token: `${SECRETS.ADMIN_TOKEN}x` });
  await reveille.api("/v1/jobs", { body: `{"message": "${PROMPT}"` });
  expect(reveille.output()).toContain("Ready on");
  for (const text of [...Object.values(SECRETS), token, PROMPT, ANSWER, "key=hidden"]) {
    expect(reveille.output()).not.toContain(text);
  }
});
