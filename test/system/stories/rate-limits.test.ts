/** Calls a minute (docs/contract.md §16): of a token, and without a valid one; a service of its own, with the limits on. */
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

/** The statuses of so many calls, ten at a time. */
async function calls(count: number, token: string | null): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  for (let done = 0; done < count; done += 10) {
    for (const status of await Promise.all(Array.from({ length: 10 }, () => statusOf(token)))) {
      seen.set(status, (seen.get(status) ?? 0) + 1);
    }
  }
  return seen;
}

it("a token is answered 600 times in a minute, the operator and other tokens go on", async () => {
  const [loud, quiet] = [await mint("loud"), await mint("quiet")];
  // The minute may turn in between: then it is at most twice as many.
  const seen = await calls(1_300, loud);
  expect(seen.get(200)).toBeGreaterThanOrEqual(600);
  expect(seen.get(200)).toBeLessThanOrEqual(1_200);
  expect(seen.get(429)).toBe(1_300 - (seen.get(200) ?? 0));
  const refused = await service.api("/v1/jobs", { token: loud });
  expect(await refused.json()).toMatchObject({ code: "rate_limited", detail: expect.stringContaining("token") });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
  expect(await statusOf(quiet)).toBe(200);
  expect(await statusOf(service.adminToken)).toBe(200);
}, 60_000);

it("failed authentications are answered 60 times in a minute, and refuse no valid token", async () => {
  const seen = await calls(150, "guess");
  expect(seen.get(401)).toBeGreaterThanOrEqual(60);
  expect(seen.get(401)).toBeLessThanOrEqual(120);
  expect(seen.get(429)).toBe(150 - (seen.get(401) ?? 0));
  expect(await statusOf(null)).toBe(429);
  expect(await statusOf(await mint("valid"))).toBe(200);
  expect(await statusOf(service.adminToken)).toBe(200);
  expect(await statusOf(null, "/healthz")).toBe(200);
});
