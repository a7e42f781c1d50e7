/** GitHub's webhook, the example of docs/triggers.md. A delivery has GitHub's headers and form of payload. */
import { createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { type Agent, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const user = (login: string, id: number) => ({
  login,
  id,
  node_id: "MDQ6VXNlcjE=",
  avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
  gravatar_id: "",
  url: `https://api.github.com/users/${login}`,
  html_url: `https://github.com/${login}`,
  type: "User",
  site_admin: false,
});
const repository = {
  id: 1_296_269_123,
  node_id: "R_kgDOTTb2Aw",
  name: "shop",
  full_name: "acme/shop",
  private: true,
  owner: user("acme", 21_031_067),
  html_url: "https://github.com/acme/shop",
  description: null,
  fork: false,
  default_branch: "main",
  topics: ["billing", "größe"],
};
const pullRequest = {
  action: "opened",
  number: 7,
  pull_request: {
    url: "https://api.github.com/repos/acme/shop/pulls/7",
    id: 2_907_265_481,
    number: 7,
    state: "open",
    locked: false,
    title: 'Fix "login" 🔑',
    user: user("octocat", 583_231),
    body: "Closes #5\r\n\r\n- [x] tested",
    created_at: "2026-11-28T09:12:44Z",
    merged_at: null,
    merge_commit_sha: null,
    labels: [{ id: 208_045_946, name: "bug", color: "d73a4a", default: true }],
    draft: false,
    head: { ref: "fix-login", sha: "6dcb09b5b57875f334f61aebed695e2e4193db5e", repo: repository },
    base: { ref: "main", sha: "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d", repo: repository },
    _links: { self: { href: "https://api.github.com/repos/acme/shop/pulls/7" } },
    additions: 12,
    deletions: 3,
    changed_files: 2,
  },
  repository,
  sender: user("octocat", 583_231),
};
const ping = {
  zen: "Speak like a human.",
  hook_id: 512_345_678,
  hook: { type: "Repository", active: true },
  repository,
};

let agent: Agent;
let service: Reveille;
let job = "";
let payloadUrl = "";
beforeAll(async () => {
  agent = await startAgent();
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  service = await startReveille({ dataDir: await temporaryFolder(), env });
  const json = { name: "Review", message: "See event.", schedule: { manual: true }, overlap: "allow_all" };
  const made = await service.api("/v1/jobs", { method: "POST", json: { ...json, payload: { team: "shop" } } });
  job = z.looseObject({ id: z.string() }).parse(await made.json()).id;
  const hook = await service.api(`/v1/jobs/${job}/trigger-token`, { method: "POST" });
  const { url, token } = z.object({ url: z.string(), token: z.string() }).parse(await hook.json());
  payloadUrl = `${url}?token=${token}`;
});
afterAll(() => service.stop());

/** A delivery as GitHub makes it: compact JSON, its own headers, no bearer token. */
async function deliver(event: string, payload: object, more: Record<string, string> = {}, form = false) {
  const text = JSON.stringify(payload);
  const body = form ? `payload=${encodeURIComponent(text)}` : text;
  const response = await fetch(payloadUrl, {
    method: "POST",
    body,
    headers: {
      accept: "*/*",
      "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
      "user-agent": "GitHub-Hookshot/044aadd",
      "x-github-delivery": randomUUID(),
      "x-github-event": event,
      "x-github-hook-id": "512345678",
      "x-github-hook-installation-target-id": String(repository.id),
      "x-github-hook-installation-target-type": "repository",
      "x-hub-signature-256": `sha256=${createHmac("sha256", "unused").update(body).digest("hex")}`,
      ...more,
    },
  });
  return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
}

it("a delivery runs the job, and the agent gets GitHub's payload as it was sent", async () => {
  const got = await deliver("pull_request", pullRequest);
  expect(got).toMatchObject({ status: 202, body: { status: "running", run_id: expect.any(String) } });
  const [call] = await agent.waitForCalls(1);
  expect(call?.body.data).toMatchObject({ run: { id: got.body.run_id, trigger: "event" } });
  expect(call?.body.data.payload).toEqual({ team: "shop", event: pullRequest });
  expect(call?.signed).toBe(true);
});

it("GitHub's first ping is a run too, and each delivery is a run of its own", async () => {
  const before = agent.calls.length;
  const answers = [await deliver("ping", ping), await deliver("pull_request", pullRequest)];
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  const calls = await agent.waitForCalls(before + 2);
  expect(calls.slice(before).map(({ body }) => Object.keys(Object(body.data.payload?.event))[0])).toEqual(
    expect.arrayContaining(["zen", "action"]),
  );
});

it("GitHub's default form, a payload that is too large, and a wrong token are refused with the reason", async () => {
  expect(await deliver("pull_request", pullRequest, {}, true)).toMatchObject({
    status: 415,
    body: { code: "unsupported_media_type", detail: expect.stringContaining("application/x-www-form-urlencoded") },
  });
  const commits = Array.from({ length: 700 }, (_, n) => ({ id: `${n}`.padStart(40, "0"), message: "x".repeat(60) }));
  expect(await deliver("push", { ref: "refs/heads/main", commits })).toMatchObject({ status: 413 });
  payloadUrl = payloadUrl.slice(0, -1) + (payloadUrl.endsWith("a") ? "b" : "a");
  expect(await deliver("pull_request", pullRequest)).toMatchObject({ status: 401, body: { code: "unauthorized" } });
});
