/** Calls a minute (docs/contract.md §16), of a token and without a valid one, on a service with the limits on. */
import { beforeAll, expect, it } from "vitest";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

let service: Reveille;
beforeAll(async () => {
  service = await startReveille({ dataDir: await temporaryFolder(), env: { RATE_LIMITS: "on" } });
});

async function mint(user_id: string): Promise<string> {
  const json = { role: "user", user_id, expires_in: "1h" };
  const made: unknown = await (await service.api("/v1/tokens", { json })).json();
  return (made as { token: string }).token;
}

const statusOf = async (token: string | null, path = "/v1/jobs?limit=1"): Promise<number> => {
  const response = await service.api(path, { token });
  await response.body?.cancel();
  return response.status;
};

/** More calls than twice a limit, since the minute may change in between. */
const PLENTY = 1_300;
const REFUSED = 10;

/** The statuses of calls of `make`, ten at a time, until some are refused or their number is used up. */
async function statuses(make: () => Promise<Response | number>): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  for (let done = 0; done < PLENTY && (seen.get(429) ?? 0) < REFUSED; done += 10) {
    for (const answer of await Promise.all(Array.from({ length: 10 }, make))) {
      const status = typeof answer === "number" ? answer : answer.status;
      seen.set(status, (seen.get(status) ?? 0) + 1);
    }
  }
  return seen;
}

const calls = (token: string | null): Promise<Map<number, number>> => statuses(() => statusOf(token));

it("a token has 600 calls a minute, while the operator and other tokens are still answered", async () => {
  const [loud, quiet] = [await mint("loud"), await mint("quiet")];
  // The minute may change in between. Then the number is at most double.
  const seen = await calls(loud);
  expect(seen.get(200)).toBeGreaterThanOrEqual(600);
  expect(seen.get(200)).toBeLessThanOrEqual(1_200);
  expect([...seen.keys()].toSorted()).toEqual([200, 429]);
  const refused = await service.api("/v1/jobs", { token: loud });
  expect(await refused.json()).toMatchObject({ code: "rate_limited", detail: expect.stringContaining("token") });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
  expect(await statusOf(quiet)).toBe(200);
  expect(await statusOf(service.adminToken)).toBe(200);
}, 60_000);

it("failed authentications are answered 60 times a minute, and do not affect valid tokens", async () => {
  const seen = await calls("guess");
  expect(seen.get(401)).toBeGreaterThanOrEqual(60);
  expect(seen.get(401)).toBeLessThanOrEqual(120);
  expect([...seen.keys()].toSorted()).toEqual([401, 429]);
  expect(await statusOf(null)).toBe(429);
  expect(await statusOf(await mint("valid"))).toBe(200);
  expect(await statusOf(service.adminToken)).toBe(200);
  expect(await statusOf(null, "/healthz")).toBe(200);
});

const triggerTokenOf = async (token: string): Promise<{ readonly url: string; readonly token: string }> => {
  const json = { name: "hook", message: "m", schedule: { manual: true } };
  const { id } = (await (await service.api("/v1/jobs", { json, token })).json()) as { id: string };
  const made: unknown = await (await service.api(`/v1/jobs/${id}/trigger-token`, { method: "POST", token })).json();
  return made as { url: string; token: string };
};

it("the trigger tokens of one subject have 600 calls together, over all jobs", async () => {
  const token = await mint("hooks");
  const hooks = [await triggerTokenOf(token), await triggerTokenOf(token), await triggerTokenOf(token)];
  let n = 0;
  const seen = await statuses(() => {
    const hook = hooks[n++ % hooks.length];
    return fetch(hook?.url ?? "", {
      method: "POST",
      headers: { authorization: `Bearer ${hook?.token}`, "content-type": "application/json" },
      body: "{}",
    });
  });
  expect(seen.get(202)).toBeGreaterThanOrEqual(600);
  expect(seen.get(202)).toBeLessThanOrEqual(1_200);
  expect([...seen.keys()].toSorted()).toEqual([202, 429]);
}, 90_000);

it("polls of a batch and actions of a bulk call count as calls", async () => {
  const token = await mint("batches");
  const poll = { jsonrpc: "2.0", method: "events/poll", params: { name: "run.failed", cursor: null } };
  const json = Array.from({ length: 100 }, (_, id) => ({ ...poll, id }));
  const answers = await Promise.all(
    Array.from({ length: 13 }, async () => {
      const response = await service.api("/mcp", { method: "POST", body: JSON.stringify(json), token, headers: TYPED });
      return response.status === 429 ? 100 : ((await response.text()).match(/as many calls as it may/g) ?? []).length;
    }),
  );
  expect(answers.reduce((sum, refused) => sum + refused, 0)).toBeGreaterThanOrEqual(100);

  const own = await mint("bulk");
  for (let made = 0; made < 20; made++) {
    await service.api("/v1/jobs", { json: { name: "n", message: "m", schedule: { manual: true } }, token: own });
  }
  const pause = { action: "pause", filter: {}, all: true };
  let refused = 0;
  for (let call = 0; call < 80 && refused === 0; call++) {
    const response = await service.api("/v1/jobs/bulk", { json: pause, token: own });
    const { failed = [] } = (await response.json()) as { failed?: { code: string }[] };
    refused += failed.filter(({ code }) => code === "rate_limited").length;
  }
  expect(refused).toBeGreaterThan(0);
}, 90_000);

const TYPED = { "content-type": "application/json", accept: "application/json, text/event-stream" };

it("a trigger token that has ended counts as a failed authentication", async () => {
  const token = await mint("ended");
  const { url, token: ended } = await triggerTokenOf(token);
  const id = url.split("/").at(-1);
  await service.api(`/v1/jobs/${id}/trigger-token`, { method: "DELETE", token });
  const seen = await statuses(() =>
    fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${ended}`, "content-type": "application/json" },
      body: "{}",
    }),
  );
  expect(seen.get(401) ?? 0).toBeLessThanOrEqual(120);
  expect(seen.has(429)).toBe(true);
});
