/** Runs over HTTP: started, listed, reported on by their agent, cancelled, backfilled (docs/contract.md §5, §6). */
import { expect, it, vi } from "vitest";
import { Run } from "../../../../src/schema/run.ts";
import { call, expectProblem, makeJob } from "../../http-fixture.ts";

const HELD = '{"status": 202}';

/** The run as soon as its status is this one. */
async function runWith(path: string, status: string): Promise<Run> {
  return vi.waitFor(async () => {
    const run = Run.parse((await call("GET", path)).body);
    expect(run.status).toBe(status);
    return run;
  });
}

async function startRun(message: string = HELD): Promise<{ job: string; run: string }> {
  const id = await makeJob({ message });
  const got = await call("POST", `/v1/jobs/${id}/run`);
  expect(got.status, got.text).toBe(202);
  expect(Object.keys(got.body)).toEqual(["run_id"]);
  return { job: `/v1/jobs/${id}`, run: `/v1/jobs/${id}/runs/${String(got.body.run_id)}` };
}

it("a manual run calls the agent, and does not move the schedule", async () => {
  const id = await makeJob({ enabled: false });
  const got = await call("POST", `/v1/jobs/${id}/run`);
  const run = await runWith(`/v1/jobs/${id}/runs/${String(got.body.run_id)}`, "success");
  expect(run).toMatchObject({
    trigger: "manual",
    job_id: id,
    session_id: `scheduler:${id}`,
    attempt: 1,
    http_status: 200,
  });
  const job = (await call("GET", `/v1/jobs/${id}`)).body;
  expect(job).toMatchObject({ state: "paused", run_count: 1, last_status: "success" });
});

it("a job is not run while a run is active, nor once it is finished", async () => {
  const { job, run } = await startRun();
  const refused = await call("POST", `${job}/run`);
  expectProblem(refused, 409, "job_already_running");
  expect(refused.body.detail).toContain(run.split("/").at(-1));
  await call("POST", `${run}/cancel`);
  expect((await call("POST", `${job}/run`)).status).toBe(202);

  const id = await makeJob({ schedule: { at: new Date(Date.now() + 300).toISOString() } });
  await vi.waitFor(async () => expect((await call("GET", `/v1/jobs/${id}`)).body.state).toBe("finished"), {
    timeout: 4_000,
  });
  expectProblem(await call("POST", `/v1/jobs/${id}/run`), 409, "job_finished");
});

it("an agent that answered 202 reports progress and the end; repeating the end is fine, and another end comes too late", async () => {
  const { run } = await startRun();
  const progress = await call("POST", `${run}/progress`, { json: { percent: 40, message: "reading" } });
  expect(progress.body).toMatchObject({ status: "running", progress: { percent: 40, message: "reading" } });
  const done = await call("POST", `${run}/complete`, { json: { status: "success", output: { found: 3 } } });
  expect(done.status).toBe(200);
  expect(Run.parse(done.body)).toMatchObject({ status: "success", output: '{"found":3}' });
  expect((await call("POST", `${run}/complete`, { json: { status: "success" } })).body).toEqual(done.body);
  expectProblem(
    await call("POST", `${run}/complete`, { json: { status: "error", error: "no" } }),
    409,
    "run_already_finished",
  );
  expectProblem(await call("POST", `${run}/progress`, { json: { percent: 50 } }), 409, "run_already_finished");
  expectProblem(await call("POST", `${run}/cancel`), 409, "run_already_finished");
});

it("a cancelled run ends as an error that says so", async () => {
  const { run } = await startRun();
  expect((await call("POST", `${run}/cancel`)).body).toMatchObject({ status: "error", error: "cancelled" });
});

it("malformed reports are refused", async () => {
  const { run } = await startRun();
  for (const json of [{}, { status: "skipped" }, { status: "success", result: 1 }]) {
    expectProblem(await call("POST", `${run}/complete`, { json }), 422, "validation_failed");
  }
  for (const json of [{ percent: 101 }, { percent: "40" }, { message: "x".repeat(501) }]) {
    expectProblem(await call("POST", `${run}/progress`, { json }), 422, "validation_failed");
  }
});

it("the run log is paged newest first, filtered by status and user, and has runs of no fan-out", async () => {
  const id = await makeJob({ user_id: "u1" });
  const begun: string[] = [];
  for (let count = 0; count < 5; count++) {
    const got = await call("POST", `/v1/jobs/${id}/run`);
    begun.unshift(String(got.body.run_id));
    await runWith(`/v1/jobs/${id}/runs/${begun[0]}`, "success");
  }
  const list = async (query: string) => (await call("GET", `/v1/jobs/${id}/runs?${query}`)).body;
  const idsOf = (body: Record<string, unknown>) => (body.items as Run[]).map((run) => run.id);
  const first = await list("limit=2");
  const second = await list(`limit=2&cursor=${String(first.next_cursor)}`);
  const third = await list(`limit=2&cursor=${String(second.next_cursor)}`);
  expect([...idsOf(first), ...idsOf(second), ...idsOf(third)]).toEqual(begun);
  expect(third).not.toHaveProperty("next_cursor");
  expect(idsOf(await list("status=success&user_id=u1"))).toEqual(begun);
  for (const none of ["status=error", "user_id=u2", `fan_out_id=${id}-f1`])
    expect(await list(none)).toEqual({ items: [] });
  for (const bad of ["limit=0", "limit=101", "status=done", "cursor=abc", "before=1"]) {
    expectProblem(await call("GET", `/v1/jobs/${id}/runs?${bad}`), 422, "validation_failed");
  }
  expectProblem(await call("GET", `/v1/jobs/${id}/runs/${id}-s1`), 404, "not_found");
});

it("a backfill runs the fires of a window one after the other", async () => {
  const id = await makeJob({ schedule: { cron: "0 * * * *" } });
  const backfill = (from: string, to: string) => call("POST", `/v1/jobs/${id}/backfill`, { json: { from, to } });
  const got = await backfill("2026-01-01T00:00:00Z", "2026-01-01T02:00:00+00:00");
  expect([got.status, got.body]).toEqual([202, { count: 3 }]);
  await vi.waitFor(async () => {
    const { items } = (await call("GET", `/v1/jobs/${id}/runs`)).body as { items: Run[] };
    expect(items.map((run) => [run.trigger, run.status, run.scheduled_at])).toEqual([
      ["backfill", "success", "2026-01-01T02:00:00.000Z"],
      ["backfill", "success", "2026-01-01T01:00:00.000Z"],
      ["backfill", "success", "2026-01-01T00:00:00.000Z"],
    ]);
  });
  expectProblem(await backfill("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), 422, "validation_failed");
  expectProblem(await backfill("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), 422, "validation_failed");
  expectProblem(await backfill("yesterday", "today"), 422, "validation_failed");
});

it("the runs of a window are those that started in it", async () => {
  const { job } = await startRun("hello");
  const [run] = (await call("GET", `${job}/runs`)).body.items as Run[];
  const started = Date.parse(run?.started_at ?? "");
  const found = async (query: Record<string, number>) => {
    const times = Object.entries(query).map(([name, at]) => [name, new Date(at).toISOString()]);
    const got = await call("GET", `${job}/runs?${new URLSearchParams(times)}`);
    expect(got.status, got.text).toBe(200);
    return (got.body.items as Run[]).length;
  };
  expect(await found({ since: started })).toBe(1);
  expect(await found({ since: started + 1 })).toBe(0);
  expect(await found({ until: started })).toBe(0);
  expect(await found({ since: started - 1_000, until: started + 1 })).toBe(1);
  expect((await call("GET", `${job}/runs?since=24h`)).text).toContain("for so long before now");
});
