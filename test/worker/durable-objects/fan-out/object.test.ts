/** Fan-outs in workerd: one run for each user in every case, the cost, and the end of a fan-out. */
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { shardsFor } from "../../../../src/domain/fan-out/shard.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import {
  bindings,
  fanOutNow,
  kill,
  makeAllUsersJob,
  setRoster,
  shardOf,
  untilEnded,
  usersNamed,
  value,
} from "../../fan-out-fixture.ts";
import { countRowsByKind, type RowsWritten } from "../../rows-written.ts";
import { byStart, eventually, ONE_AT_A_TIME, scripted, USERS } from "./object-fixture.ts";

beforeEach(() => setRoster(USERS));

describe("a fan-out", () => {
  it("runs the job once for each active user, in that user's session, and counts each run", async () => {
    const job = await makeAllUsersJob();
    const id = await fanOutNow(job);
    expect(await untilEnded(job, id)).toMatchObject({
      status: "success",
      total: 3,
      succeeded: 3,
      failed: 0,
      pending: 0,
    });
    const { items } = await value(job.api.runs(ADMIN, { limit: 10 }));
    expect(items.map((run) => run.session_id).sort()).toEqual(
      ["ann", "bob", "cem"].map((user) => `scheduler:${job.id}:u${user}`),
    );
    for (const run of items) {
      expect(run).toMatchObject({
        job_id: job.id,
        fan_out_id: id,
        status: "success",
        trigger: "manual",
        http_status: 200,
      });
      expect(JSON.parse(run.output ?? "")).toMatchObject({ heard: run.id });
      expect(await value(job.api.run(ADMIN, run.id))).toEqual(run);
    }
    expect(await value(job.api.read(ADMIN))).toMatchObject({
      run_count: 3,
      last_status: "success",
      consecutive_failures: 0,
    });
  });

  it("writes no further row for the output and cost of users' runs, and one for each user beyond the budget", async () => {
    const users = usersNamed("dear", 60);
    await setRoster(users);
    const body = JSON.stringify({ reveille: { cost_usd: 0.1, tokens: 5, unchanged: true, done: true } });
    const job = await makeAllUsersJob({ message: JSON.stringify({ body }), budget: { usd_per_day: 2 } });
    const rows = await countRowsByKind(shardOf(job, 0));
    expect(await untilEnded(job, await fanOutNow(job))).toMatchObject({ total: 60, succeeded: 20, skipped: 40 });
    expect(rows().sql).toBe(users.length + 11 + 2);
  });

  it("writes one row for each user, and at most 1.1 with tables, batches, alarms and the job's own rows", {
    timeout: 90_000,
  }, async () => {
    const users = usersNamed("cheap", 2_500);
    await setRoster(users);
    const job = await makeAllUsersJob();
    const ofJob = await countRowsByKind(job.stub);
    const shards = Array.from({ length: shardsFor({ concurrency: 50 }) }, (_, shardIndex) => shardOf(job, shardIndex));
    const ofShards = await Promise.all(shards.map((shard) => countRowsByKind(shard)));
    const fanOut = await untilEnded(job, await fanOutNow(job), 60_000);
    expect(fanOut).toMatchObject({ total: 2_500, succeeded: 2_500 });

    const pages = 3;
    const counted = ofShards.map((count) => count());
    const sum = (of: (rows: RowsWritten) => number) => counted.reduce((total, rows) => total + of(rows), 0);
    // The tables of a shard and of a fan-out are eleven rows, a batch is one when it comes and one when it goes.
    expect(sum(({ sql }) => sql)).toBe(users.length + shards.length * (11 + 2 * pages));
    // How often a shard has nothing to do before its next users come depends on the machine, but not how often at most.
    for (const { alarms } of counted) expect(alarms).toBeLessThanOrEqual(pages + 1);
    const { sql, alarms } = ofJob();
    expect([sql <= 5 + 2 * pages, alarms <= 1 + (shards.length + 1) * pages]).toEqual([true, true]);
    const all = sum((rows) => rows.sql + rows.alarms) + sql + alarms;
    process.stdout.write(
      `fan-out: ${(all / users.length).toFixed(3)} rows written per user, ${sql} + ${alarms} of the job\n`,
    );
    expect(all / users.length).toBeLessThanOrEqual(1.1);
  });

  it("counts users whose run fails, without affecting the others", async () => {
    const job = await makeAllUsersJob(scripted({ users: { bob: { status: 400 } } }));
    const id = await fanOutNow(job);
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", total: 3, succeeded: 2, failed: 1 });
    const failed = await value(job.api.runs(ADMIN, { limit: 10, fanOutId: id, status: "error" }));
    expect(failed.items.map((run) => run.user_id)).toEqual(["bob"]);
  });

  it("is an error where every user's run fails", async () => {
    const job = await makeAllUsersJob(scripted({ status: 400 }));
    const fanOut = await untilEnded(job, await fanOutNow(job));
    expect(fanOut).toMatchObject({ status: "error", error: "all 3 users' runs ended as error", failed: 3 });
    expect(await value(job.api.read(ADMIN))).toMatchObject({
      last_status: "error",
      last_error: fanOut.error,
      consecutive_failures: 1,
      run_count: 3,
    });
  });

  it("is a success without runs where there are no users", async () => {
    await setRoster([]);
    const job = await makeAllUsersJob();
    expect(await untilEnded(job, await fanOutNow(job))).toMatchObject({ status: "success", total: 0 });
  });

  it("tries a user's run again by the job's retry, and logs it once", async () => {
    const retry = { max_attempts: 2, min_backoff: "1s", max_backoff: "1s" };
    const job = await makeAllUsersJob({ ...scripted({ users: { cem: { status: 503 } } }), retry });
    const id = await fanOutNow(job);
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", total: 3, succeeded: 2, failed: 1 });
    const { items } = await value(job.api.runs(ADMIN, { limit: 10, fanOutId: id, userId: "cem" }));
    expect(items).toMatchObject([{ user_id: "cem", status: "error", attempt: 2, http_status: 503 }]);
  });

  it("refuses another one while it is running, and logs one that comes due as skipped", async () => {
    const job = await makeAllUsersJob({ schedule: { every: "1m" }, ...scripted({ delay_ms: 400 }) });
    const id = await fanOutNow(job);
    expect(await job.api.runNow(ADMIN)).toEqual({ ok: false, error: { kind: "job_already_running", run_id: id } });
    const due = Date.parse(job.job.next_run_at ?? "");
    await job.stub.tick(due);
    const skipped = await value(job.api.runs(ADMIN, { limit: 10, status: "skipped" }));
    expect(skipped.items).toMatchObject([
      { scheduled_at: job.job.next_run_at, error: "skipped: the previous fan-out was still going" },
    ]);
    expect(await untilEnded(job, id)).toMatchObject({ succeeded: 3 });
    const all = await value(job.api.runs(ADMIN, { limit: 10 }));
    expect(all.items.map((run) => run.status)).toEqual(
      ["success", "success", "success", "skipped"].sort(byStart(all.items)),
    );
  });

  it("repeats its users' runs after its shards and the job were killed in the middle, with none twice in the log", async () => {
    const users = usersNamed("evicted", 60);
    await setRoster(users);
    const job = await makeAllUsersJob({ ...scripted({ delay_ms: 15 }), fan_out: { concurrency: 8 } });
    const id = await fanOutNow(job);
    for (const wanted of [10, 30, 50]) {
      await eventually(async () => {
        const { succeeded } = await value(job.api.fanOut(ADMIN, id));
        expect(succeeded).toBeGreaterThanOrEqual(wanted);
      });
      for (const stub of [shardOf(job, 0), shardOf(job, 1), job.stub]) await kill(stub);
    }
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", total: 60, succeeded: 60 });
    const { items } = await value(job.api.runs(ADMIN, { limit: 100, fanOutId: id }));
    expect(items.map((run) => run.user_id).sort()).toEqual([...users].sort());
  });

  it("pages through its runs newest first, none twice and none left out", async () => {
    const users = usersNamed("paged", 45);
    await setRoster(users);
    const job = await makeAllUsersJob();
    await untilEnded(job, await fanOutNow(job));
    const seen = [];
    let before: Parameters<typeof job.api.runs>[1]["before"];
    do {
      const page = await value(job.api.runs(ADMIN, { limit: 7, before }));
      seen.push(...page.items);
      before = page.next;
    } while (before !== undefined);
    expect(new Set(seen.map((run) => run.user_id))).toEqual(new Set(users));
    expect(seen).toHaveLength(45);
    const starts = seen.map((run) => run.started_at);
    expect(starts).toEqual([...starts].sort().reverse());
  });
});

describe("a user's run that the agent answers with 202", () => {
  const accepted = async (fields: Record<string, unknown> = {}) => {
    const job = await makeAllUsersJob({ ...scripted({ users: { bob: { status: 202 } } }), ...fields });
    const id = await fanOutNow(job);
    const run = await eventually(async () => {
      const { items } = await value(job.api.runs(ADMIN, { limit: 10, status: "running", userId: "bob" }));
      expect(items[0]?.completion_due_at).toBeDefined();
      return items[0];
    });
    if (run === undefined) throw new Error("bob has a run");
    return { job, id, run };
  };

  it("stays running until its own token completes it, also after its shard lost its memory; the fan-out ends with it", async () => {
    const { job, id, run } = await accepted(ONE_AT_A_TIME);
    await eventually(async () =>
      expect(await value(job.api.fanOut(ADMIN, id))).toMatchObject({ succeeded: 2, pending: 1 }),
    );
    await evictDurableObject(shardOf(job, 0));
    const own = { role: "run", job_id: job.id, run_id: run.id } as const;
    expect(await value(job.api.progressRun(own, run.id, { percent: 40 }))).toMatchObject({ progress: { percent: 40 } });
    const body = { status: "success", output: "done" } as const;
    expect(await value(job.api.completeRun(own, run.id, body))).toMatchObject({
      status: "success",
      output: "done",
      fan_out_id: id,
    });
    expect(await value(job.api.completeRun(own, run.id, body))).toMatchObject({ status: "success" });
    expect(await job.api.cancelRun(ADMIN, run.id)).toMatchObject({
      ok: false,
      error: { kind: "run_already_finished" },
    });
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", succeeded: 3 });
  });

  it("is an error `timed out` if nobody completes it", async () => {
    const { job, id } = await accepted({ completion_timeout: "1s" });
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", succeeded: 2, failed: 1 });
    const { items } = await value(job.api.runs(ADMIN, { limit: 10, userId: "bob" }));
    expect(items).toMatchObject([{ status: "error", error: "timed out" }]);
  });

  it("is not opened by another run's token", async () => {
    const { job, run } = await accepted();
    const other = { role: "run", job_id: job.id, run_id: run.id.replace(/.$/, "0") } as const;
    expect(await job.api.completeRun(other, run.id, { status: "success" })).toMatchObject({
      ok: false,
      error: { kind: "not_found" },
    });
    expect(await value(job.api.cancelRun(ADMIN, run.id))).toMatchObject({ status: "error", error: "cancelled" });
  });
});

describe("changes of the job meanwhile", () => {
  it("a pause lets the fan-out continue", async () => {
    const job = await makeAllUsersJob(scripted({ delay_ms: 100 }));
    const id = await fanOutNow(job);
    await value(job.api.setEnabled(ADMIN, false));
    expect(await untilEnded(job, id)).toMatchObject({ succeeded: 3 });
  });

  it("a 410 fails that run, pauses the job, and lets the others run", async () => {
    const job = await makeAllUsersJob(scripted({ users: { ann: { status: 410 } } }));
    const id = await fanOutNow(job);
    expect(await untilEnded(job, id)).toMatchObject({ succeeded: 2, failed: 1 });
    const after = await value(job.api.read(ADMIN));
    expect(after).toMatchObject({ state: "paused", enabled: false });
    expect(after.paused_reason).toContain("410");
  });

  it("its deletion erases the shards, and no user is called any more", async () => {
    await setRoster(usersNamed("deleted", 40));
    const job = await makeAllUsersJob({ ...scripted({ delay_ms: 50 }), fan_out: { concurrency: 2 } });
    const id = await fanOutNow(job);
    await eventually(async () => expect((await value(job.api.fanOut(ADMIN, id))).succeeded).toBeGreaterThan(0));
    await value(job.api.remove(ADMIN));
    expect(await shardOf(job, 0).status(1)).toEqual({
      idle: true,
      counts: { total: 0, succeeded: 0, failed: 0, skipped: 0 },
    });
    expect(await shardOf(job, 0).feed(1, ["late"])).toBe(false);
  });
});

describe("the log", () => {
  it("keeps the newest 10 fan-outs with their users' runs", async () => {
    const job = await makeAllUsersJob(ONE_AT_A_TIME);
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      const id = await fanOutNow(job);
      await untilEnded(job, id);
      ids.push(id);
    }
    const { items } = await value(job.api.fanOuts(ADMIN, { limit: 100 }));
    expect(items.map((fanOut) => fanOut.id)).toEqual(ids.slice(2).reverse());
    const first = await value(job.api.fanOuts(ADMIN, { limit: 4 }));
    const second = await value(job.api.fanOuts(ADMIN, { limit: 100, before: first.next }));
    expect([...first.items, ...second.items]).toEqual(items);
    expect((await value(job.api.runs(ADMIN, { limit: 100 }))).items).toHaveLength(30);
    expect(await job.api.runs(ADMIN, { limit: 10, fanOutId: ids[0] })).toMatchObject({
      ok: true,
      value: { items: [] },
    });
    expect((await value(job.api.read(ADMIN))).run_count).toBe(36);
  });
});

describe("a tick", () => {
  it("fires a due job once for any number of ticks, and moves the next due time on", async () => {
    const job = await makeAllUsersJob({ schedule: { every: "1m" } });
    const due = Date.parse(job.job.next_run_at ?? "");
    await job.stub.tick(due - 1);
    expect((await value(job.api.fanOuts(ADMIN, { limit: 10 }))).items).toEqual([]);
    await job.stub.tick(due);
    await job.stub.tick(due);
    const { items } = await value(job.api.fanOuts(ADMIN, { limit: 10 }));
    expect(items).toMatchObject([{ trigger: "schedule", scheduled_at: job.job.next_run_at }]);
    expect(Date.parse((await value(job.api.read(ADMIN))).next_run_at ?? "")).toBe(due + 60_000);
    await untilEnded(job, items[0]?.id ?? "");
  });

  it("finishes a one-time job after all of its users", async () => {
    const at = new Date(Date.now() + 50_000).toISOString();
    const job = await makeAllUsersJob({ schedule: { at }, ...scripted({ delay_ms: 100 }) });
    await job.stub.tick(Date.parse(at));
    expect((await value(job.api.read(ADMIN))).state).toBe("active");
    const { items } = await value(job.api.fanOuts(ADMIN, { limit: 10 }));
    expect(await untilEnded(job, items[0]?.id ?? "")).toMatchObject({ succeeded: 3 });
    await eventually(async () => expect((await value(job.api.read(ADMIN))).state).toBe("finished"));
    expect(await job.api.runNow(ADMIN)).toMatchObject({ ok: false, error: { kind: "job_finished" } });
  });

  it("does nothing to a job of another scope, or without a job", async () => {
    await bindings.JOB.getByName("never-made").tick(Date.now());
    const job = await makeAllUsersJob({ exec_scope: "system" });
    await job.stub.tick(Date.now() + 60_000);
    expect((await value(job.api.runs(ADMIN, { limit: 10 }))).items).toEqual([]);
  });
});
