import { describe, expect, it } from "vitest";
import { everyJob, exportedJobs, exportPart } from "../../../src/jobs/export.ts";
import { CallBudget } from "../../../src/outbound/call-budget.ts";
import { ExportedJob } from "../../../src/schema/job-export.ts";
import { call, env, expectProblem, fresh, jobInput, later, makeJob } from "../http-fixture.ts";
import { DAY_MS, exported, goJob, lineOf, listed, read, send, take } from "../import-fixture.ts";

describe("GET /v1/export", () => {
  it("has every job in every state, one per line, and an import restores each unchanged", async () => {
    const label = fresh("export");
    const labels = { of: label };
    const every = await makeJob({ labels, schedule: { every: "1h", max_runs: 5 }, user_id: "u1" });
    const paused = await makeJob({
      labels,
      enabled: false,
      schedule: { cron: "0 9 * * *", timezone: "Europe/Berlin" },
    });
    const all = await makeJob({ labels, exec_scope: "all_users" });
    const moved = await makeJob({ labels });
    await call("PATCH", `/v1/jobs/${moved}`, { json: { schedule: { every: "2h" } } });
    const name = fresh("system");
    const ensured = await call("PUT", "/v1/jobs/ensure", { json: { name, schedule: { every: "1h" }, labels } });
    const once = await makeJob({ labels, schedule: { at: new Date(Date.now() + 1_500).toISOString() } });
    await expect.poll(async () => (await read(once)).state, { timeout: 10_000 }).toBe("finished");

    const ids = [every, paused, all, moved, String(ensured.body.id), once];
    const got = await call("GET", "/v1/export");
    expect([got.status, got.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    const lines = got.text.split("\n").filter((line) => line.includes(label));
    const jobs = lines.map((line) => ExportedJob.parse(JSON.parse(line)));
    expect(jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const before = new Map(await Promise.all(ids.map(async (id) => [id, await read(id)] as const)));
    for (const { id, anchor_at, finished_at, fires, spent_on, ...job } of jobs) {
      expect({ id, ...job }).toEqual(before.get(id));
    }

    for (const id of ids) expect((await call("DELETE", `/v1/jobs/${id}`)).status).toBe(204);
    expect(await listed(`label=of:${label}`)).toEqual([]);
    const file = `${lines.join("\n")}\n`;
    const back = await send(file, "application/x-ndjson");
    expect(back.body).toEqual({ imported: ids.length, skipped: [] });
    expect((await listed(`label=of:${label}`)).sort()).toEqual([...ids].sort());
    for (const id of ids) expect({ ...(await read(id)), etag: "" }).toEqual({ ...before.get(id), etag: "" });
    expect(await lineOf(once)).toMatchObject({ state: "finished", finished_at: expect.any(String) });
    expectProblem(await call("POST", "/v1/jobs", { json: jobInput({ name }) }), 409, "name_reserved");
    expect((await send(file, "application/x-ndjson")).body).toMatchObject({ imported: 0 });
  }, 30_000);

  it("has each job once, also if there are more jobs than it holds in memory", async () => {
    const owner = fresh("many");
    const jobs = Array.from({ length: 230 }, (_, index) =>
      goJob(`${owner}-${index}`, { user_id: `${owner}-${index % 7}` }),
    );
    expect((await take(jobs)).body).toEqual({ imported: 230, skipped: [] });
    const lines = (await exported()).filter((line) => line.includes(`"${owner}-`));
    expect(lines.map((line) => JSON.parse(line).id).sort()).toEqual(jobs.map(({ id }) => id).sort());
  }, 30_000);

  it("may hold a finished job whose retention is over, which an import leaves out", async () => {
    const id = await makeJob({ schedule: { at: new Date(Date.now() + 1_200).toISOString() } });
    await expect.poll(async () => (await read(id)).state, { timeout: 10_000 }).toBe("finished");
    const line = await lineOf(id);
    await call("DELETE", `/v1/jobs/${id}`);
    const got = await later(8 * DAY_MS, () => take([line]));
    expect(got.body).toMatchObject({
      imported: 0,
      skipped: [{ id, reason: expect.stringMatching(/^finished more than 7 days/) }],
    });
  }, 30_000);
});

describe("an export in parts", () => {
  it("has every job once, and each part has the cursor of the next", async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, () => makeJob()));
    const whole = await exported();
    const parts: string[] = [];
    let cursor = "";
    do {
      const got = await call("GET", `/v1/export?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(got.status).toBe(200);
      const lines = got.text.split("\n").filter((line) => line !== "");
      expect(lines.length).toBeLessThanOrEqual(3);
      parts.push(...lines);
      cursor = got.headers.get("reveille-next-cursor") ?? "";
      if (cursor !== "") {
        expect(lines).toHaveLength(3);
        expect(got.headers.get("link")).toBe(`</v1/export?limit=3&cursor=${cursor}>; rel="next"`);
      }
    } while (cursor !== "");
    expect(parts).toEqual(whole);
    expect(ids.filter((id) => !parts.some((line) => line.includes(`"${id}"`)))).toEqual([]);
  });

  it("ends early when its 40 calls are used up, with the cursor of the next part", async () => {
    const whole = (await exported()).map((line) => String(JSON.parse(line).id));
    const part = async (after: Parameters<typeof exportPart>[1], calls: number) => {
      const budget = new CallBudget(calls);
      const { items, next } = await exportPart({ env, budget, callsPerWake: 2 }, after, 1_000);
      const ids: string[] = [];
      for await (const jobs of exportedJobs({ env, budget, callsPerWake: 2 }, items))
        ids.push(...jobs.map(({ id }) => id));
      return { ids, next };
    };
    // 16 calls read the lists of the shards. Each further call reads two jobs here.
    const first = await part(undefined, 40);
    expect(first.ids).toEqual(whole.slice(0, 48));
    expect((await part(first.next, 40)).ids).toEqual(whole.slice(48, 96));
  });

  it("of all jobs in one call is aborted when its calls are used up, so that it never looks complete", async () => {
    const all = everyJob({ env, budget: new CallBudget(40), callsPerWake: 1 });
    const read = async () => {
      for await (const jobs of all) expect(jobs).toHaveLength(1);
    };
    await expect(read()).rejects.toThrow("export in parts");
  });

  it.each(["limit=0", "limit=1001", "cursor=nonsense", "page=2"])("is refused with %s", async (query) => {
    expectProblem(await call("GET", `/v1/export?${query}`), 422, "validation_failed");
  });

  it("accepts every line of an export, also with fields that only a server writes", async () => {
    const line = { ...(await lineOf(await makeJob())), id: fresh("again"), last_run_at: "2026-01-01T00:00:00Z" };
    expect((await take([line])).body).toEqual({ imported: 1, skipped: [] });
  });
});
