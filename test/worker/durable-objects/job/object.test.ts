/** The Job object in workerd: its records, their cost, and that it survives losing its memory. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { JobObject } from "../../../../durable-objects/job/object.ts";
import { listJobs } from "../../../../src/directory/job-list.ts";
import { adoptJobId, mayExist, reserveJob, reserveNameEverywhere } from "../../../../src/directory/jobs-index.ts";
import type { Outcome } from "../../../../src/domain/failure.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { jobObject } from "../../../../src/objects/job.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { DAY_MS, DEFAULT_RUN_RETENTION, HOUR_MS } from "../../../../src/schema/limits.ts";
import { allShards, env as bindings, type JobStub } from "../../bindings.ts";
import { entry } from "../../directory-fixture.ts";
import { countRows } from "../../rows-written.ts";

let made = 0;

async function value<T>(outcome: Promise<Outcome<T>>): Promise<T> {
  const answer = await outcome;
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

/** A job for one test only, created directly in its object. */
async function makeJob(fields: Record<string, unknown> = {}) {
  const defined = defineJob(JobInput.parse({ name: "n", message: "hello", schedule: { every: "1h" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const id = `job-${made++}`;
  const stub = bindings.JOB.getByName(id);
  const api = jobObject(bindings, id);
  const now = Date.now();
  const place = { reservedAt: now, repeated: false };
  const { job } = await value(api.create({ ...newJob(id, defined.value, now), place }));
  return { id, stub, api, job };
}

/** The object's clock set to its next alarm, and the alarm run. */
async function fireNext(stub: JobStub): Promise<void> {
  const at = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm());
  if (at === null) throw new Error("The job is not armed");
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Math.max(at, Date.now()));
  try {
    expect(await runDurableObjectAlarm(stub)).toBe(true);
  } finally {
    vi.useRealTimers();
  }
}

describe("a fire", () => {
  it("calls the agent and logs the run with its output", async () => {
    const { stub, api, job } = await makeJob();
    await fireNext(stub);
    const { items } = await value(api.runs(ADMIN, { limit: 10 }));
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      status: "success",
      trigger: "schedule",
      scheduled_at: job.next_run_at,
      attempt: 1,
      http_status: 200,
    });
    expect(JSON.parse(items[0]?.output ?? "")).toEqual({ heard: items[0]?.id, attempt: 1 });
    const after = await value(api.read(ADMIN));
    expect(after).toMatchObject({ run_count: 1, last_status: "success", consecutive_failures: 0 });
  });

  it("writes at most 3 rows: the run begun, the run ended, the next alarm; also once the log is full", {
    timeout: 30_000,
  }, async () => {
    const { stub, api } = await makeJob();
    const rows = await countRows(stub);
    for (let fire = 0; fire < DEFAULT_RUN_RETENTION + 5; fire++) {
      const before = rows();
      await fireNext(stub);
      expect(rows() - before).toBeLessThanOrEqual(3);
    }
    expect(rows()).toBeGreaterThan(2 * DEFAULT_RUN_RETENTION);
    const { items, next } = await value(api.runs(ADMIN, { limit: 100 }));
    expect(items).toHaveLength(DEFAULT_RUN_RETENTION);
    expect(next).toBeUndefined();
    expect(new Set(items.map((run) => run.id)).size).toBe(DEFAULT_RUN_RETENTION);
    expect((await value(api.read(ADMIN))).run_count).toBe(DEFAULT_RUN_RETENTION + 5);
  });

  it("writes no further row if the agent steers and spends, and fewer if the budget skips it", async () => {
    const reveille = { next_in: "20m", unchanged: true, cost_usd: 0.25, tokens: 10, nonsense: 1 };
    // The fires take three hours. They must be of one day, since a budget is.
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Math.ceil(Date.now() / DAY_MS) * DAY_MS + 6 * HOUR_MS);
    const { stub, api } = await makeJob({
      message: JSON.stringify({ body: JSON.stringify({ reveille }) }),
      pacing: { min: "1m", max: "1h" },
      budget: { usd_per_day: 1, runs_per_day: 100 },
      continuity: true,
    });
    const rows = await countRows(stub);
    const written: number[] = [];
    for (let fire = 0; fire < 6; fire++) {
      const before = rows();
      await fireNext(stub);
      written.push(rows() - before);
    }
    // The fourth run uses the budget up, which the directory gets as an event. The last two fires are skipped.
    expect(written.slice(0, 3).every((count) => count <= 3)).toBe(true);
    expect(written.slice(4).every((count) => count <= 2)).toBe(true);
    const { items } = await value(api.runs(ADMIN, { limit: 10 }));
    expect(items.map(({ status }) => status)).toEqual([
      "skipped",
      "skipped",
      "success",
      "success",
      "success",
      "success",
    ]);
    expect(items.at(-1)).toMatchObject({
      cost_usd: 0.25,
      unchanged: true,
      control_error: expect.stringContaining("nonsense"),
    });
  });

  it("keeps the last run that did something, even after many skips, so that the next run gets it", {
    timeout: 30_000,
  }, async () => {
    const message = JSON.stringify({ body: JSON.stringify({ reveille: { cost_usd: 1 } }) });
    const { stub, api } = await makeJob({ message, budget: { usd_total: 0.5 }, continuity: true });
    for (let fire = 0; fire < DEFAULT_RUN_RETENTION + 5; fire++) await fireNext(stub);
    const { items } = await value(api.runs(ADMIN, { limit: 100 }));
    expect(items).toHaveLength(DEFAULT_RUN_RETENTION);
    expect(items.map(({ status }) => status).filter((status) => status !== "skipped")).toEqual(["success"]);
    await value(api.patch(ADMIN, { budget: null, message: '{"echo": true}' }));
    await fireNext(stub);
    const [newest] = (await value(api.runs(ADMIN, { limit: 1 }))).items;
    expect(JSON.parse(newest?.output ?? "{}").previous).toMatchObject({ run_id: items.at(-1)?.id, status: "success" });
  });

  it("that is the job's only one writes at most 4 rows: the run begun, the run ended, the job finished, the alarm for its erasure", async () => {
    const { stub, api } = await makeJob({ schedule: { at: new Date(Date.now() + 3_600_000).toISOString() } });
    const rows = await countRows(stub);
    await fireNext(stub);
    expect((await value(api.read(ADMIN))).state).toBe("finished");
    expect(rows()).toBeLessThanOrEqual(4);
    await evictDurableObject(stub);
    expect((await value(api.read(ADMIN))).state).toBe("finished");
  });

  it("continues after the object lost its memory, with its count and its phase", async () => {
    const { stub, api, job } = await makeJob();
    await fireNext(stub);
    await evictDurableObject(stub);
    await fireNext(stub);
    const after = await value(api.read(ADMIN));
    expect(after.run_count).toBe(2);
    expect(Date.parse(after.next_run_at ?? "")).toBe(Date.parse(job.next_run_at ?? "") + 2 * 3_600_000);
  });

  it("answered 5xx waits for its next attempt, which succeeds or ends the run after max_attempts", async () => {
    const { stub, api } = await makeJob({ message: '{"status": 503, "body": "busy"}', retry: { max_attempts: 2 } });
    await fireNext(stub);
    const waiting = (await value(api.runs(ADMIN, { limit: 1 }))).items[0];
    expect(waiting).toMatchObject({ status: "running", attempt: 2, http_status: 503 });
    expect(waiting?.next_attempt_at).toBeDefined();
    await fireNext(stub);
    const ended = (await value(api.runs(ADMIN, { limit: 1 }))).items[0];
    expect(ended).toMatchObject({ id: waiting?.id, session_id: waiting?.session_id, status: "error", attempt: 2 });
  });

  it("answered 410 pauses the job and says why", async () => {
    const { stub, api } = await makeJob({ message: '{"status": 410}' });
    await fireNext(stub);
    expect(await value(api.read(ADMIN))).toMatchObject({ state: "paused", enabled: false });
    expect((await value(api.read(ADMIN))).paused_reason).toContain("410");
  });
});

describe("a run answered with 202", () => {
  const accepted = async () => {
    const { stub, api, id } = await makeJob({ message: '{"status": 202}', completion_timeout: "30s" });
    await fireNext(stub);
    const run = (await value(api.runs(ADMIN, { limit: 1 }))).items[0];
    if (run === undefined) throw new Error("no run");
    return { api, stub, id, run };
  };

  it("stays running until it is completed; repeating the report is fine, and a different one comes too late", async () => {
    const { api, id, run } = await accepted();
    expect(run.status).toBe("running");
    const token = { role: "run", job_id: id, run_id: run.id } as const;
    const done = await value(api.completeRun(token, run.id, { status: "success", output: "done" }));
    expect(done).toMatchObject({ status: "success", output: "done" });
    expect(await value(api.completeRun(token, run.id, { status: "success" }))).toMatchObject({ output: "done" });
    expect(await api.completeRun(token, run.id, { status: "error" })).toMatchObject({
      ok: false,
      error: { kind: "run_already_finished" },
    });
  });

  it("is not opened by another run's token", async () => {
    const { api, id, run } = await accepted();
    const foreign = { role: "run", job_id: id, run_id: "another" } as const;
    expect(await api.completeRun(foreign, run.id, { status: "success" })).toMatchObject({ ok: false });
  });

  it("times out without a completion; progress renews the time", async () => {
    const { stub, api, run } = await accepted();
    const told = await value(api.progressRun(ADMIN, run.id, { percent: 40, message: "reading" }));
    expect(told.progress).toEqual({ percent: 40, message: "reading" });
    const left = Date.parse(told.completion_due_at ?? "") - Date.now();
    expect(left).toBeGreaterThan(25_000);
    expect(left).toBeLessThanOrEqual(30_000);
    await fireNext(stub);
    expect(await value(api.run(ADMIN, run.id))).toMatchObject({ status: "error", error: "timed out" });
  });

  it("can be cancelled, once", async () => {
    const { api, run } = await accepted();
    expect(await value(api.cancelRun(ADMIN, run.id))).toMatchObject({ status: "error", error: "cancelled" });
    expect(await api.cancelRun(ADMIN, run.id)).toMatchObject({ ok: false, error: { kind: "run_already_finished" } });
  });

  it("is sent to a listener that reads nothing until that is dropped, without stopping the change", async () => {
    const { api, stub, run } = await accepted();
    await runInDurableObject(stub, async (instance: JobObject) => {
      const unread = await value(instance.events(ADMIN, 0));
      for (let report = 1; report <= 300; report++) {
        const seen = await value(instance.progressRun(ADMIN, run.id, { message: `report ${report}` }));
        expect(seen.progress).toEqual({ message: `report ${report}` });
      }
      await unread.cancel();
    });
    expect((await value(api.run(ADMIN, run.id))).status).toBe("running");
  });
});

describe("run now", () => {
  it("runs a paused job, does not move the schedule, and is refused while a run is active", async () => {
    const { stub, api, job } = await makeJob({ enabled: false, message: '{"status": 202}' });
    const begun = await value(api.runNow(ADMIN));
    const run_id = "run_id" in begun ? begun.run_id : "";
    expect(await api.runNow(ADMIN)).toMatchObject({ ok: false, error: { kind: "job_already_running", run_id } });
    await runDurableObjectAlarm(stub);
    expect(await value(api.run(ADMIN, run_id))).toMatchObject({ trigger: "manual", status: "running" });
    expect((await value(api.read(ADMIN))).next_run_at).toBe(job.next_run_at);
  });
});

describe("a call that takes long", () => {
  it("is aborted by a cancellation, and the run ends at once", async () => {
    const { stub, api } = await makeJob({ message: '{"delay_ms": 3000}' });
    const firing = fireNext(stub);
    const run = await vi.waitFor(async () => {
      const [first] = (await value(api.runs(ADMIN, { limit: 1 }))).items;
      expect(first?.status).toBe("running");
      return first;
    });
    const cancelled = await value(api.cancelRun(ADMIN, run?.id ?? ""));
    expect(cancelled).toMatchObject({ status: "error", error: "cancelled" });
    const before = Date.now();
    await firing;
    expect(Date.now() - before).toBeLessThan(2_000);
    expect((await value(api.runs(ADMIN, { limit: 1 }))).items[0]).toMatchObject({ error: "cancelled" });
  });
});

describe("an object without a job", () => {
  it("answers not_found and creates no table", async () => {
    const stub = bindings.JOB.getByName("nobody");
    const api = jobObject(bindings, "nobody");
    expect(await api.read(ADMIN)).toMatchObject({ ok: false, error: { kind: "not_found" } });
    const tables = await runInDurableObject(stub, (_instance, { storage }) => [
      ...storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'entry'"),
    ]);
    expect(tables).toEqual([]);
  });

  it("remains after a deletion: no rows, no alarm, and room for a new job with the same id", async () => {
    const { stub, api, id } = await makeJob();
    await value(api.remove(ADMIN));
    expect(await api.read(ADMIN)).toMatchObject({ ok: false });
    expect(await runInDurableObject(stub, (_instance, { storage }) => storage.getAlarm())).toBeNull();
    const now = Date.now();
    const defined = defineJob(JobInput.parse({ name: "again", message: "m", schedule: { every: "1h" } }));
    if (!defined.ok) throw new Error("not defined");
    const place = { reservedAt: now, repeated: false };
    const created = await value(api.create({ ...newJob(id, defined.value, now), place }));
    expect(created.job.name).toBe("again");
  });
});

describe("a finished job", () => {
  it("is erased after 7 days, and leaves no way to its object under an adopted id", async () => {
    const { stub, api, id } = await makeJob({ schedule: { at: new Date(Date.now() + 3_600_000).toISOString() } });
    await adoptJobId(bindings, id, "system");
    await fireNext(stub);
    expect((await value(api.read(ADMIN))).state).toBe("finished");
    expect(await mayExist(bindings, id)).toBe(true);
    await fireNext(stub);
    expect((await api.read(ADMIN)).ok).toBe(false);
    expect(await mayExist(bindings, id)).toBe(false);
  });
});

describe("a job made under an id whose job is being removed", () => {
  it("is created once after the removal, for any number of waiting calls", async () => {
    const { api, id } = await makeJob();
    const defined = defineJob(JobInput.parse({ name: "next", message: "hello", schedule: { every: "1h" } }));
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    const now = Date.now();
    const place = { reservedAt: now, repeated: false };
    const request = { ...newJob(id, defined.value, now, { idempotencyHash: "of this request" }), place };
    const [removed, first, second] = await Promise.all([
      value(api.remove(ADMIN)),
      value(api.create(request)),
      value(api.create(request)),
    ]);
    expect(removed.name).toBe("n");
    expect([first, second].map(({ job, replayed }) => [job.name, replayed])).toEqual([
      ["next", false],
      ["next", true],
    ]);
  });
});

describe("a job under a removed job's id keeps what it had reserved before the removal ended", () => {
  const remade = async (fields: Record<string, unknown>, ask: (id: string, createdAt: number) => Promise<unknown>) => {
    const { api, id, job } = await makeJob(fields);
    const defined = defineJob(JobInput.parse({ name: "n", message: "hello", schedule: { every: "1h" }, ...fields }));
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    const createdAt = Date.parse(job.created_at);
    await ask(id, createdAt);
    await value(api.remove(ADMIN));
    const place = { reservedAt: Date.now(), repeated: false };
    await value(api.create({ ...newJob(id, defined.value, createdAt), place }));
    return id;
  };

  it("the id that it brought along", async () => {
    const id = await remade({}, (adopted) => adoptJobId(bindings, adopted, "system"));
    expect(await mayExist(bindings, id)).toBe(true);
  });

  it("a system job's name, in every shard", async () => {
    const name = "remade system job";
    const id = await remade({ name, owner_kind: "system" }, (holder) => reserveNameEverywhere(bindings, name, holder));
    const holders = await Promise.all(allShards().map((shard) => shard.nameHolder(name)));
    expect(new Set(holders)).toEqual(new Set([id]));
  });

  it("its place in the list", async () => {
    const user_id = "remade";
    const place = { name: "n", owner: "user:remade", userId: user_id };
    const id = await remade({ user_id }, (job, createdAt) =>
      reserveJob(bindings, entry({ ...place, id: job, createdAt }), { maxJobs: 10 }),
    );
    const page = await value(
      listJobs(bindings, ADMIN, { filter: { user_id }, limit: 10, cursor: undefined, now: Date.now() }),
    );
    expect(page.items.map((item) => item.id)).toEqual([id]);
  });
});

describe("the alarm breaker", () => {
  it("pauses a job that keeps waking with nothing due", async () => {
    const { stub, api } = await makeJob();
    for (let wake = 0; wake < 110; wake++) await runDurableObjectAlarm(stub);
    const job = await value(api.read(ADMIN));
    expect(job.state).toBe("paused");
    expect(job.paused_reason).toContain("alarm breaker");
  });
});

beforeAll(() => {
  expect(bindings).toHaveProperty("JOB");
});
