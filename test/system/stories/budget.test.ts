/** Budgets over HTTP: a fan-out stops at its budget, and a job fires no more until the limit is raised. */
import { beforeAll, expect, it } from "vitest";
import { allRuns, fanOutNow, makeAllUsersJob, readJob, tickAt, untilEnded } from "../fan-out-client.ts";
import { type Agent, eventually, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const USERS = Array.from({ length: 30 }, (_, i) => `user-${i}`);

let agent: Agent;
let reveille: Reveille;

beforeAll(async () => {
  agent = await startAgent(async () => ({ body: { reveille: { cost_usd: 0.5, tokens: 100 } } }));
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  reveille = await startReveille({ dataDir: await temporaryFolder(), env });
  expect((await reveille.api("/v1/users/import", { json: { users: USERS } })).status).toBe(200);
});

it.each([
  ["dollars", { usd_per_day: 4 }, 8, "budget: usd_per_day 4 is used up (4 spent)"],
  ["tokens", { tokens_per_day: 500 }, 5, "budget: tokens_per_day 500 is used up (500 spent)"],
  ["runs", { runs_per_day: 12 }, 12, "budget: runs_per_day 12 is used up (12 spent)"],
])(
  "a fan-out stops at its budget of %s: the users beyond it are skipped without a call",
  async (_, budget, most, reason) => {
    const job = await makeAllUsersJob(reveille, { budget, schedule: { cron: "* * * * *" } });
    const calledBefore = agent.calls.length;
    const id = await fanOutNow(reveille, job.id);
    const ended = await untilEnded(reveille, job.id, id);
    expect(ended).toMatchObject({ total: 30, succeeded: most, failed: 0, skipped: 30 - most, pending: 0 });
    expect(agent.calls.length - calledBefore).toBe(most);
    const runs = await allRuns(reveille, job.id, { fan_out_id: id });
    const skipped = runs.filter(({ status }) => status === "skipped");
    expect(new Set(skipped.map(({ error }) => error))).toEqual(new Set([reason]));
    expect(new Set(runs.map(({ user_id }) => user_id)).size).toBe(30);
    expect((await readJob(reveille, job.id)).spent).toMatchObject({
      total: { runs: most, usd: most / 2, tokens: most * 100 },
    });

    const again = await reveille.api(`/v1/jobs/${job.id}/run`, { method: "POST" });
    expect([again.status, await again.json()]).toMatchObject([409, { code: "budget_exceeded" }]);
    // The next fire of the schedule leaves a skipped run, and no fan-out.
    await eventually("no fire was skipped", async () => {
      await tickAt(reveille, Date.now() + 60_000);
      const all = await allRuns(reveille, job.id, { status: "skipped" });
      return all.find((run) => run.user_id === undefined && run.error === reason);
    });
    expect(agent.calls.length - calledBefore).toBe(most);
    await reveille.api(`/v1/jobs/${job.id}`, { method: "DELETE" });
  },
);

it("a job fires no more once its budget is used up, reports it once, and continues when the limit is raised", async () => {
  const made = await reveille.api("/v1/jobs", {
    json: { name: "dear", message: "m", schedule: { every: "1s" }, budget: { usd_total: 1 } },
  });
  const { id } = (await made.json()) as { id: string };
  const called = () =>
    agent.calls.filter(({ body }) => body.data.job?.id === id || body.data.run?.job_id === id).length;
  const reason = "budget: usd_total 1 is used up (1 spent)";
  await eventually("no fire was skipped", async () => {
    const runs = await allRuns(reveille, id, { status: "skipped" });
    return runs.filter(({ error }) => error === reason).length >= 2;
  });
  expect(called()).toBe(2);
  await reveille.api(`/v1/jobs/${id}`, { method: "PATCH", json: { budget: { usd_total: 1.5 } } });
  await eventually("it did not go on", async () => called() === 3);
  const events = (await (await reveille.api(`/v1/events?job_id=${id}&type=budget.reached`)).json()) as {
    items: { message: string }[];
  };
  expect(events.items.some(({ message }) => message.includes("usd_total 1 is used up"))).toBe(true);
});
