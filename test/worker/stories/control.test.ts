/** Control by an agent's answer, and the budget of a job, over HTTP (docs/contract.md §15, §16). */
import { describe, expect, it, vi } from "vitest";
import { ADMIN } from "../../../src/domain/job/access.ts";
import { fanOutNow, makeAllUsersJob, setRoster, untilEnded, usersNamed, value } from "../fan-out-fixture.ts";
import { call, expectProblem, makeJob } from "../http-fixture.ts";

type Item = Record<string, unknown>;

const answering = (reveille: unknown, more: object = {}): string =>
  JSON.stringify({ body: JSON.stringify({ ...more, reveille }) });

/** Runs the job by hand and returns its run once it has ended, or once the agent has answered 202. */
async function runOnce(id: string, until: (run: Item) => boolean = (run) => run.status !== "running"): Promise<Item> {
  const begun = await call("POST", `/v1/jobs/${id}/run`);
  expect(begun.status, begun.text).toBe(202);
  return vi.waitFor(async () => {
    const { body } = await call("GET", `/v1/jobs/${id}/runs/${begun.body.run_id}`);
    if (!until(body)) throw new Error(JSON.stringify(body));
    return body;
  }, 10_000);
}
const jobOf = async (id: string): Promise<Item> => (await call("GET", `/v1/jobs/${id}`)).body;
const inMs = (at: unknown): number => Date.parse(String(at)) - Date.now();

describe("the key reveille of an answer", () => {
  it("moves the next fire, and adds cost and tokens to the run and the job", async () => {
    const message = answering({ next_in: "20m", cost_usd: 0.25, tokens: 1200, unchanged: true }, { mails: 0 });
    const id = await makeJob({ message, pacing: { min: "1m", max: "1d" } });
    const run = await runOnce(id);
    expect(run).toMatchObject({ status: "success", cost_usd: 0.25, tokens: 1200, unchanged: true });
    expect(run).not.toHaveProperty("control_error");
    const job = await jobOf(id);
    expect(Math.abs(inMs(job.next_run_at) - 20 * 60_000)).toBeLessThan(5_000);
    expect(run.next_at).toBe(job.next_run_at);
    expect(job.spent).toEqual({
      today: { runs: 1, usd: 0.25, tokens: 1200 },
      total: { runs: 1, usd: 0.25, tokens: 1200 },
    });
    const listed = async (unchanged: string) =>
      (await call("GET", `/v1/jobs/${id}/runs?unchanged=${unchanged}`)).body.items;
    expect(await listed("false")).toEqual([]);
    expect(await listed("true")).toHaveLength(1);
  });

  it("is read also if the output is cut", async () => {
    const id = await makeJob({ message: answering({ tokens: 7 }, { text: "x".repeat(20_000) }) });
    expect(await runOnce(id)).toMatchObject({ status: "success", output_truncated: true, tokens: 7 });
  });

  it("changes nothing if it is not understood or not allowed, and the run still succeeds", async () => {
    const id = await makeJob({ message: answering({ next_in: "20m", cost_usd: -1, tokens: 3 }) });
    const before = await jobOf(id);
    const run = await runOnce(id);
    expect(run).toMatchObject({ status: "success", tokens: 3, control_error: expect.stringContaining("cost_usd: ") });
    expect(run.control_error).toContain("next_in: the job has no pacing");
    expect((await jobOf(id)).next_run_at).toBe(before.next_run_at);
  });

  it("pauses the job with its reason, or finishes it, and its runs stay readable", async () => {
    const paused = await makeJob({ message: answering({ pause: "waiting for the invoice" }) });
    await runOnce(paused);
    expect(await jobOf(paused)).toMatchObject({ state: "paused", paused_reason: "waiting for the invoice" });
    const done = await makeJob({ message: answering({ done: true }) });
    const run = await runOnce(done);
    expect((await jobOf(done)).state).toBe("finished");
    expect((await call("GET", `/v1/jobs/${done}/runs/${run.id}`)).body.status).toBe("success");
    expectProblem(await call("POST", `/v1/jobs/${done}/run`), 409, "job_finished");
  });
});

describe("control of a completion", () => {
  it("steers the job like an answer, also with an error and with the run's own report", async () => {
    const id = await makeJob({ message: '{"status": 202}', pacing: { min: "1m", max: "1h" } });
    const waiting = await runOnce(id, (run) => run.completion_due_at !== undefined);
    const complete = (body: object) => call("POST", `/v1/jobs/${id}/runs/${waiting.id}/complete`, { json: body });
    const done = await complete({ status: "error", error: "no", control: { next_in: "1s", cost_usd: 2 } });
    expect(done.body).toMatchObject({ status: "error", cost_usd: 2 });
    expect(Math.abs(inMs((await jobOf(id)).next_run_at) - 60_000)).toBeLessThan(5_000);
    expect((await complete({ status: "error", control: { cost_usd: 2 } })).status).toBe(200);
    expect(await jobOf(id)).toMatchObject({ spent: { total: { usd: 2 } } });
  });

  it("accepts any value, and control_error says why it was not applied", async () => {
    for (const control of ["done", 7, ["x"], { next: "10m" }]) {
      const id = await makeJob({ message: '{"status": 202}' });
      const waiting = await runOnce(id, (run) => run.completion_due_at !== undefined);
      const got = await call("POST", `/v1/jobs/${id}/runs/${waiting.id}/complete`, {
        json: { status: "success", control },
      });
      expect(got.status, got.text).toBe(200);
      expect(got.body).toMatchObject({ status: "success", control_error: expect.any(String) });
    }
  });
});

describe("attempts", () => {
  it("are shown with the run", async () => {
    const id = await makeJob({
      message: '{"status": 503, "body": "busy"}',
      retry: { max_attempts: 2, min_backoff: "1s", max_backoff: "1s" },
    });
    const run = await runOnce(id);
    expect(run.attempts).toMatchObject([
      { attempt: 1, http_status: 503, error: expect.stringContaining("busy"), finished_at: expect.any(String) },
      { attempt: 2, http_status: 503, error: expect.stringContaining("busy"), finished_at: run.finished_at },
    ]);
  });
});

describe("continuity", () => {
  it("gives the agent the last run's end, and nothing before the first run", async () => {
    const id = await makeJob({ message: '{"echo": true}', continuity: true });
    const first = await runOnce(id);
    expect(JSON.parse(String(first.output))).not.toHaveProperty("previous");
    const second = await runOnce(id);
    const { previous } = JSON.parse(String(second.output));
    expect(previous).toMatchObject({ run_id: first.id, status: "success", finished_at: first.finished_at });
    expect(previous.output).toBe(String(first.output));
  });
});

describe("the continuity of a repeated run", () => {
  it("is that of its own user, never of another user's run", async () => {
    await setRoster(usersNamed("again", 2));
    const job = await makeAllUsersJob({ message: '{"echo": true}', continuity: true });
    await untilEnded(job, await fanOutNow(job));
    const { items } = await value(job.api.runs(ADMIN, { limit: 10 }));
    for (const old of items) {
      const { run_id } = await value(job.api.retryRun(ADMIN, old.id));
      const again = await vi.waitFor(async () => {
        const run = await value(job.api.run(ADMIN, run_id));
        if (run.status === "running") throw new Error("it goes on");
        return run;
      }, 10_000);
      expect(again.user_id).toBe(old.user_id);
      expect(JSON.parse(again.output ?? "{}").previous).toMatchObject({ run_id: old.id, output: old.output });
    }
  });
});

describe("a budget", () => {
  it("that is used up refuses run now with 409, and the job shows what it has spent", async () => {
    const id = await makeJob({ budget: { runs_per_day: 2, usd_per_day: 5 }, message: answering({ cost_usd: 2.56 }) });
    await runOnce(id);
    await runOnce(id);
    const refused = await call("POST", `/v1/jobs/${id}/run`);
    expectProblem(refused, 409, "budget_exceeded");
    expect(refused.body.detail).toContain("budget: runs_per_day 2 is used up (2 spent)");
    await call("PATCH", `/v1/jobs/${id}`, { json: { budget: { runs_per_day: null } } });
    expect((await call("POST", `/v1/jobs/${id}/run`)).body.detail).toContain("usd_per_day 5 is used up (5.12 spent)");
  });

  it.each([
    ["budget.usd_per_day", { budget: { usd_per_day: -1 } }],
    ["budget.runs_per_day", { budget: { runs_per_day: 1.5 } }],
    ["budget.day", { budget: { day: 1 } }],
    ["pacing.max", { pacing: { min: "1m" } }],
    ["pacing.min", { pacing: { min: "100ms", max: "1h" } }],
    ["pacing.max", { pacing: { min: "1h", max: "1m" } }],
    ["continuity", { continuity: "yes" }],
    ["spent", { spent: {} }],
  ])("or pacing that is invalid is refused with its field: %s", async (path, fields) => {
    const got = await call("POST", "/v1/jobs", {
      json: { name: "n", message: "m", schedule: { every: "1h" }, ...fields },
    });
    expectProblem(got, 422, "validation_failed");
    expect((got.body.errors as Item[]).map((error) => error.path)).toContain(path);
  });

  it("of an all_users job stops its fan-out, and skips the users beyond it", async () => {
    await setRoster(usersNamed("budget", 8));
    const body = JSON.stringify({ reveille: { cost_usd: 1, done: true } });
    const job = await makeAllUsersJob({
      message: JSON.stringify({ body }),
      budget: { usd_per_day: 3 },
      fan_out: { concurrency: 1 },
    });
    const id = await fanOutNow(job);
    expect(await untilEnded(job, id)).toMatchObject({ total: 8, succeeded: 3, skipped: 5 });
    const { items } = await value(job.api.runs(ADMIN, { limit: 20, fanOutId: id }));
    const skipped = items.filter((run) => run.status === "skipped");
    expect(new Set(skipped.map((run) => run.error))).toEqual(new Set(["budget: usd_per_day 3 is used up (3 spent)"]));
    const ran = items.find((run) => run.status === "success");
    expect(ran).toMatchObject({ cost_usd: 1, control_error: expect.stringContaining("done: ") });
    const after = await value(job.api.read(ADMIN));
    expect(after).toMatchObject({ state: "active", spent: { today: { runs: 3, usd: 3, tokens: 0 } } });
    expect(await job.api.runNow(ADMIN)).toMatchObject({ ok: false, error: { kind: "budget_exceeded" } });
  });

  it("of runs is exact over all users, and continuity is each user's own", async () => {
    await setRoster(usersNamed("each", 6));
    const job = await makeAllUsersJob({ message: '{"echo": true}', budget: { runs_per_day: 10 }, continuity: true });
    expect(await untilEnded(job, await fanOutNow(job))).toMatchObject({ succeeded: 6, skipped: 0 });
    const id = await fanOutNow(job);
    expect(await untilEnded(job, id)).toMatchObject({ succeeded: 4, skipped: 2 });
    const { items } = await value(job.api.runs(ADMIN, { limit: 20, fanOutId: id, status: "success" }));
    for (const run of items) {
      const { previous } = JSON.parse(run.output ?? "{}");
      expect(JSON.parse(previous.output).run.user_id).toBe(run.user_id);
    }
  });
});
