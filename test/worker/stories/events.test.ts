/** Events from the job to the list (docs/contract.md §18): once each, also after a crash, with the scopes of jobs, and free for a fire that succeeds. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { allShards, env } from "../bindings.ts";
import { agentToken, call, expectProblem, fresh, later, makeJob, tokenFor } from "../http-fixture.ts";
import { countRows } from "../rows-written.ts";

const FAILS = { message: JSON.stringify({ status: 404 }), retry: { max_attempts: 1 } };

type Item = Record<string, unknown> & { readonly id: string; readonly type: string; readonly job_id?: string };
const eventsOf = async (query: string, token?: string): Promise<Item[]> => {
  const got = await call("GET", `/v1/events?${query}`, token === undefined ? {} : { token });
  expect(got.status, got.text).toBe(200);
  return got.body.items as Item[];
};
const eventually = <T>(act: () => Promise<T>): Promise<T> => vi.waitFor(act, { timeout: 10_000, interval: 20 });

async function runNow(id: string): Promise<string> {
  const got = await call("POST", `/v1/jobs/${id}/run`);
  expect(got.status, got.text).toBe(202);
  const runId = String(got.body.run_id);
  await eventually(async () => {
    const run = await call("GET", `/v1/jobs/${id}/runs/${runId}`);
    expect(run.body.finished_at).toBeDefined();
  });
  return runId;
}

const told = (id: string, types: readonly string[]) =>
  eventually(async () => {
    const events = await eventsOf(`job_id=${id}`);
    expect(events.map(({ type }) => type)).toEqual(types);
    return events;
  });

describe("a job that fails and works again", () => {
  it("has an event with the run for both, and is failing in between", async () => {
    const id = await makeJob(FAILS);
    expect((await call("GET", `/v1/jobs/${id}`)).body.health).toBe("ok");
    const runId = await runNow(id);
    const [failed] = await told(id, ["run.failed"]);
    expect(failed).toMatchObject({ job_id: id, job_name: "Water the plants", run: { id: runId, status: "error" } });
    expect(failed?.message).toMatch(/^"Water the plants" failed: .*404/);
    expect((await call("GET", `/v1/jobs/${id}`)).body.health).toBe("failing");
    const failing = await call("GET", "/v1/jobs?health=failing&limit=100");
    expect((failing.body.items as Item[]).map((job) => job.id)).toContain(id);

    await call("PATCH", `/v1/jobs/${id}`, { json: { message: "hello" } });
    await runNow(id);
    await told(id, ["run.recovered", "run.failed"]);
    expect((await call("GET", `/v1/jobs/${id}`)).body.health).toBe("ok");
    for (const [health, there] of [
      ["failing", false],
      ["ok", true],
    ] as const) {
      const { body } = await call("GET", `/v1/jobs?health=${health}&limit=100`);
      expect((body.items as Item[]).some((job) => job.id === id)).toBe(there);
    }
  });

  it("reports nothing with report none, and every run with report all", async () => {
    const [quiet, loud] = [await makeJob({ ...FAILS, report: "none" }), await makeJob({ report: "all" })];
    const failed = await runNow(quiet);
    const succeeded = await runNow(loud);
    await told(loud, ["run.succeeded"]);
    expect(await eventsOf(`job_id=${quiet}`)).toEqual([]);
    const runs = await call("GET", "/v1/runs?limit=100");
    const ids = (runs.body.items as Item[]).map((run) => run.id);
    expect(ids).toEqual(expect.arrayContaining([failed, succeeded]));
    const errors = await call("GET", "/v1/runs?status=error&limit=100");
    expect((errors.body.items as Item[]).map((run) => run.id)).not.toContain(succeeded);
  });

  it("reports that a 410 has paused it", async () => {
    const id = await makeJob({ message: JSON.stringify({ status: 410 }) });
    await runNow(id);
    const events = await eventually(async () => {
      const found = await eventsOf(`job_id=${id}`);
      expect(found).toHaveLength(2);
      return found;
    });
    expect(events.map(({ type }) => type).sort()).toEqual(["job.paused", "run.failed"]);
    await call("POST", `/v1/jobs/${id}/resume`);
    await call("POST", `/v1/jobs/${id}/pause`);
    expect(await eventsOf(`job_id=${id}&type=job.paused`)).toHaveLength(1);
  });
});

describe("the list", () => {
  it("is filtered, paged and scoped", async () => {
    const [agent, user] = [fresh("agent"), fresh("user")];
    const mine = await makeJob({ ...FAILS, user_id: user });
    for (let i = 0; i < 3; i++) await runNow(mine);
    await told(mine, ["run.failed", "run.failed", "run.failed"]);
    const all = await eventsOf(`user_id=${user}&type=run.failed,run.recovered`);
    const pages: Item[] = [];
    let cursor = "";
    do {
      const got = await call("GET", `/v1/events?user_id=${user}&limit=1${cursor}`);
      pages.push(...(got.body.items as Item[]));
      cursor = got.body.next_cursor === undefined ? "" : `&cursor=${String(got.body.next_cursor)}`;
    } while (cursor !== "");
    expect(pages).toEqual(all);
    const [newest, , oldest] = all;
    expect(await eventsOf(`job_id=${mine}&until=${String(newest?.at)}`)).toHaveLength(2);
    expect(await eventsOf(`job_id=${mine}&since=${String(newest?.at)}`)).toEqual([newest]);
    expect(await eventsOf(`job_id=${mine}&since=${String(oldest?.at)}`)).toHaveLength(3);
    expect(await eventsOf(`job_id=${mine}&type=run.recovered`)).toEqual([]);

    const own = await tokenFor({ role: "user", user_id: user });
    expect(await eventsOf("", own)).toEqual(all);
    expect(await eventsOf("", await tokenFor({ role: "user", user_id: fresh("user") }))).toEqual([]);
    expect(await eventsOf("", await agentToken({ agent_id: agent }))).toEqual([]);
    expect((await call("GET", "/v1/runs", { token: own })).body.items).toHaveLength(3);
  });

  it.each(["problems", "none"] as const)("has the failed users' runs of a fan-out, with report %s", async (report) => {
    const [good, bad] = [fresh("u"), fresh("u")];
    for (const user of [good, bad]) await call("PUT", `/v1/users/${user}`, { json: {} });
    const message = JSON.stringify({ users: { [bad]: { status: 404 } } });
    const id = await makeJob({ message, exec_scope: "all_users", report, retry: { max_attempts: 1 } });
    await call("POST", `/v1/jobs/${id}/run`);
    const runs = async (query: string, token?: string): Promise<Item[]> => {
      const got = await call("GET", `/v1/runs?limit=100&${query}`, token === undefined ? {} : { token });
      return (got.body.items as Item[]).filter((run) => run.job_id === id);
    };
    const [failed] = await eventually(async () => {
      const found = await runs("status=error");
      expect(found).toMatchObject([{ user_id: bad, status: "error", http_status: 404, job_name: "Water the plants" }]);
      return found;
    });
    expect((await call("GET", `/v1/jobs/${id}/runs/${failed?.id}`)).body).toMatchObject({ user_id: bad });
    expect(await runs(`user_id=${bad}`)).toHaveLength(1);
    expect(await runs(`user_id=${good}`)).toEqual([]);
    expect(await runs("", await tokenFor({ role: "user", user_id: bad }))).toEqual([]);
    const events = await eventsOf(`job_id=${id}`);
    expect(events.map(({ type }) => type)).toEqual(report === "none" ? [] : ["fan_out.failed"]);
    for (const user of [good, bad]) await call("DELETE", `/v1/users/${user}`);
  });

  it.each(["type=run.exploded", "since=yesterday", "limit=0", "limit=101", "cursor=nonsense", "colour=red"])(
    "refuses %s and says why",
    async (query) => {
      expectProblem(await call("GET", `/v1/events?${query}`), 422, "validation_failed");
      expectProblem(
        await call("GET", `/v1/runs?${query.replace("type=run.exploded", "status=odd")}`),
        422,
        "validation_failed",
      );
    },
  );
});

describe("a fire that succeeds", () => {
  it("costs no additional row, in its job or in the directory", async () => {
    const id = await makeJob({ schedule: { manual: true } });
    await runNow(id);
    const stub = env.JOB.getByName(id);
    const job = await countRows(stub);
    const shards = await Promise.all(allShards().map((shard) => countRows(shard)));
    for (let n = 0; n < 5; n++) await runNow(id);
    // By hand, the rows are the requested run, its start, its end, and the alarm that makes the call.
    expect(job()).toBeLessThanOrEqual(5 * 4);
    expect(shards.map((rows) => rows())).toEqual(shards.map(() => 0));
    expect(await eventsOf(`job_id=${id}`)).toEqual([]);
  });
});

describe("a crash", () => {
  it("between the end of a run and its event loses no event, and adds it once", async () => {
    const id = await makeJob(FAILS);
    const stub = env.JOB.getByName(id);
    for (let i = 0; i < 3; i++) {
      // The object loses its memory, perhaps before the directory has the event, and its alarm fires again.
      const runId = await runNow(id);
      await evictDurableObject(stub).catch(() => undefined);
      await runDurableObjectAlarm(stub);
      const events = await eventually(async () => {
        const found = await eventsOf(`job_id=${id}`);
        expect(found.some((event) => event.id === `${runId}_failed`)).toBe(true);
        return found;
      });
      expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    }
    expect(await eventsOf(`job_id=${id}`)).toHaveLength(3);
  });
});

describe("the sweep", () => {
  it("reports an overdue job once, and lists it as overdue", async () => {
    const id = await makeJob({ user_id: fresh("sleeper") });
    const stub = env.JOB.getByName(id);
    await runInDurableObject(stub, (_instance, { storage }) => storage.deleteAlarm());
    await later(3_600_000 + 120_000, async () => {
      expect((await call("GET", `/v1/jobs/${id}`)).body.health).toBe("overdue");
      for (let minute = 0; minute < 10; minute++) {
        await Promise.all(Array.from({ length: 16 }, (_, i) => env.DIRECTORY.getByName(`shard-${i}`).sweep(minute)));
      }
      await told(id, ["job.overdue"]);
    });
  });
});
