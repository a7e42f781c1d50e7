/** `GET /v1/forecast`: coming fires and their cost, by day and job, for the jobs that the caller may see. */
import { expect, it, vi } from "vitest";
import { agentToken, call, expectProblem, fresh, makeJob } from "../../http-fixture.ts";

type Item = { readonly name: string; readonly fires: number; readonly usd?: number; readonly days: readonly object[] };

const DAY = 86_400_000;
const after = (ms: number): string => new Date(Date.now() + ms).toISOString();
const forecast = (query: Record<string, string>, token?: string) =>
  call("GET", `/v1/forecast?${new URLSearchParams(query)}`, token === undefined ? {} : { token });

it("shows fires by day and job, with their average cost so far, and the sums", async () => {
  const agent_id = fresh("agent");
  const message = JSON.stringify({ body: JSON.stringify({ reveille: { cost_usd: 0.5, tokens: 100 } }) });
  const ran = await makeJob({ user_id: agent_id, message, schedule: { every: "12h" } });
  await makeJob({ user_id: agent_id, schedule: { every: "1s" } });
  await makeJob({ user_id: agent_id, schedule: { manual: true } });
  await makeJob({ user_id: agent_id, enabled: false });
  await call("POST", `/v1/jobs/${ran}/run`, { json: { wait: "10s" } });
  await vi.waitFor(async () => expect((await call("GET", `/v1/jobs/${ran}`)).text).toContain('"usd":0.5'), 10_000);
  const got = await forecast({ user_id: agent_id, to: after(31 * DAY - 60_000), timezone: "America/New_York" });
  expect(got.status, got.text).toBe(200);
  const items = got.body.items as Item[];
  expect(items).toHaveLength(2);
  expect(items[1]).toMatchObject({ job_id: ran, fires: 61, runs: 61, usd: 30.5, average: { usd: 0.5, tokens: 100 } });
  const everySecond = items[0]?.fires ?? 0;
  expect(Math.abs(everySecond - (31 * 86_400 - 60))).toBeLessThan(10);
  const days = got.body.days as { readonly fires: number }[];
  expect(days.reduce((sum, { fires }) => sum + fires, 0)).toBe(61 + everySecond);
});

it("continues page by page, without jobs that do not fire", async () => {
  const user_id = fresh("user");
  for (const schedule of [{ every: "1h" }, { at: after(40 * DAY) }, { every: "2h" }])
    await makeJob({ user_id, schedule });
  const fires: number[] = [];
  let cursor: string | undefined;
  do {
    const { body } = await forecast({
      user_id,
      to: after(DAY - 60_000),
      limit: "1",
      ...(cursor === undefined ? {} : { cursor }),
    });
    fires.push((body.items as Item[]).reduce((sum, item) => sum + item.fires, 0));
    cursor = body.next_cursor as string | undefined;
  } while (cursor !== undefined);
  expect(fires).toEqual([11, 0, 23]);
});

it("shows the jobs that the caller may see, and accepts the filters of jobs", async () => {
  const agent_id = fresh("agent");
  const name = fresh("name");
  await makeJob({ agent_id, name });
  const names = async (query: Record<string, string>, token?: string) =>
    ((await forecast(query, token)).body.items as Item[]).map((item) => item.name);
  expect(await names({ name })).toEqual([name]);
  expect(await names({ name }, await agentToken({ agent_id }))).toEqual([name]);
  expect(await names({ name }, await agentToken({ agent_id: fresh("other") }))).toEqual([]);
  expect(await names({ name, state: "paused" })).toEqual([]);
});

it("answers one call of a token at a time, so that nobody can keep all others waiting", async () => {
  const user_id = fresh("user");
  for (const every of ["1h", "2h", "3h"]) await makeJob({ user_id, schedule: { every } });
  const token = await agentToken({ agent_id: fresh("agent") });
  const other = await agentToken({ agent_id: fresh("agent") });
  const query = { user_id, to: after(DAY) };
  const answers = await Promise.all([token, token, other, undefined, undefined].map((each) => forecast(query, each)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429]);
  const refused = answers.find(({ status }) => status === 429);
  if (refused !== undefined) expectProblem(refused, 429, "rate_limited");
  expect((await forecast(query, token)).status).toBe(200);
});

it.each([
  ["to", { to: "tomorrow" }, "is not an RFC 3339 date-time"],
  ["to", { to: after(32 * DAY) }, "is more than 31 days after from"],
  ["to", { from: after(2 * DAY), to: after(DAY) }, "is not after from"],
  ["to", { from: after(-2 * DAY), to: after(-DAY) }, "lies in the past"],
  ["from", { from: "2026-11-28" }, "is not an RFC 3339 date-time"],
  ["timezone", { timezone: "Berlin" }, 'did you mean "Europe/Berlin"?'],
  ["until", { until: after(DAY) }, "is called `to` here"],
  ["state.0", { state: "done" }, "active"],
])("refuses an impossible window or filter: %s %j", async (path, query, message) => {
  const got = await forecast(query);
  expectProblem(got, 422, "validation_failed");
  const [error] = got.body.errors as { readonly path: string; readonly message: string }[];
  expect(error?.path).toBe(path);
  expect(error?.message).toContain(message);
});
