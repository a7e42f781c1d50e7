/** Moves jobs between deployments over HTTP (docs/contract.md §6). */
import { listDurableObjectIds } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ok } from "../../../../src/domain/result.ts";
import { settingsOf } from "../../../../src/env.ts";
import { systemJobId } from "../../../../src/jobs/ensure.ts";
import { importJobs } from "../../../../src/jobs/import.ts";
import { call, env, expectProblem, fresh, jobInput, ORIGIN, TOKEN_SECRET } from "../../http-fixture.ts";
import { goJob, io, listed, read, send, take } from "../../import-fixture.ts";

describe("jobs.json of the Go original", () => {
  it("is imported with ids, ages and states, and a repeat changes nothing", async () => {
    const [active, paused, plugin, user] = ["go", "go", "go", "go"].map(fresh) as [string, string, string, string];
    const envelope = {
      plugin_id: "rss",
      key: "poll",
      runtime_name: "feeds",
      payload: { url: "x" },
      description: "Polls",
    };
    const file = [
      goJob(active),
      goJob(paused, { enabled: false, last_run_at: "2026-02-01T00:00:00Z", last_error: "boom" }),
      goJob(plugin, { message: `__anna_plugin_job__:${JSON.stringify(envelope)}` }),
      goJob(user, { user_id: 42, agent_id: "anna", session_mode: "new" }),
    ];
    const first = await take(file);
    expect([first.status, first.body]).toEqual([200, { imported: 4, skipped: [] }]);
    expect(await read(active)).toMatchObject({
      id: active,
      state: "active",
      exec_scope: "system",
      schedule: { every: "30m" },
      created_at: "2026-01-02T03:04:05.123Z",
      updated_at: "2026-01-03T00:00:00.000Z",
      run_count: 0,
    });
    expect(await read(paused)).toMatchObject({ state: "paused", last_error: "boom", last_status: "error" });
    expect(await read(plugin)).toMatchObject({ owner_kind: "plugin", ...{ plugin_id: "rss", job_key: "poll" } });
    expect(await read(user)).toMatchObject({
      user_id: "42",
      exec_scope: "user",
      agent_id: "anna",
      session_mode: "new",
    });
    expect(await listed("user_id=42")).toEqual([user]);
    expect(await listed("plugin_id=rss")).toEqual([plugin]);

    const before = await Promise.all([active, paused, plugin, user].map(read));
    const again = await take(file);
    expect(again.body).toEqual({
      imported: 0,
      skipped: [active, paused, plugin, user].map((id) => ({ id, reason: expect.stringContaining("already there") })),
    });
    expect(await Promise.all([active, paused, plugin, user].map(read))).toEqual(before);
  });

  it("keeps the phase of every, and catches up on no earlier fire", async () => {
    const id = fresh("phase");
    await take([goJob(id)]);
    const { next_run_at } = await read(id);
    const next = Date.parse(String(next_run_at));
    expect((next - Date.parse("2026-01-02T03:04:05.123Z")) % 1_800_000).toBe(0);
    expect(next - Date.now()).toBeGreaterThan(0);
    expect(next - Date.now()).toBeLessThanOrEqual(1_800_000);
    expect((await call("GET", `/v1/jobs/${id}/runs`)).body).toEqual({ items: [] });
  });

  it("skips jobs that cannot be created, says why, and creates the rest", async () => {
    const [good, over, cron, unknown, broken] = ["ok", "over", "cron", "unknown", "broken"].map(fresh) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const file = [
      goJob(over, { schedule: { cron: "", every: "", at: "2026-01-01T00:00:00Z" } }),
      goJob(cron, { schedule: { cron: "61 * * * *" } }),
      goJob(unknown, { colour: "red" }),
      goJob(broken, { message: "__anna_plugin_job__:{nonsense" }),
      goJob("not an id"),
      "not a job",
      goJob(good, { user_id: 0, exec_scope: "user" }),
      goJob(good, { name: "the same id again" }),
    ];
    const got = await send(JSON.stringify(file));
    expect(got.body).toEqual({
      imported: 1,
      skipped: [
        { id: over, reason: expect.stringMatching(/^schedule\.at: .*not in the future/) },
        { id: cron, reason: expect.stringMatching(/^schedule\.cron: /) },
        { id: unknown, reason: "colour: is not a field here; leave it out" },
        { id: broken, reason: expect.stringMatching(/^message: begins with __anna_plugin_job__:/) },
        { id: "#5", reason: expect.stringMatching(/^id: /) },
        { id: "#6", reason: "is not a JSON object" },
        { id: good, reason: expect.stringContaining("more than once") },
      ],
    });
    expect(await read(good)).toMatchObject({ exec_scope: "system", name: "Water the plants" });
    for (const id of [over, cron, unknown, broken])
      expectProblem(await call("GET", `/v1/jobs/${id}`), 404, "not_found");
  });

  it("keeps the names of system jobs: ensure finds one under its old id, and nobody else gets its name", async () => {
    const [id, name] = [fresh("sys"), fresh("Nightly")];
    expect((await take([goJob(id, { owner_kind: "system", name, message: "" })])).body).toMatchObject({ imported: 1 });
    const ensured = await call("PUT", "/v1/jobs/ensure", {
      json: { name, schedule: { every: "30m" }, description: "new" },
    });
    expect([ensured.status, ensured.body.id, ensured.body.description]).toEqual([200, id, "new"]);
    expectProblem(await call("POST", "/v1/jobs", { json: jobInput({ name }) }), 409, "name_reserved");
    const other = await take([
      goJob(fresh("sys"), { owner_kind: "system", name, message: "" }),
      goJob(fresh("go"), { name }),
    ]);
    expect(other.body).toMatchObject({
      imported: 0,
      skipped: [{ reason: expect.stringContaining(name) }, { reason: expect.stringContaining(name) }],
    });
    expect((await call("DELETE", `/v1/jobs/${id}`)).status).toBe(204);
    const made = await call("PUT", "/v1/jobs/ensure", { json: { name, schedule: { every: "30m" } } });
    expect([made.status, made.body.id]).toEqual([201, await systemJobId(env, name)]);
  });

  it("counts against the owner's quota: jobs that do not fit are named, and a later import adds them", async () => {
    const owner = fresh("crowd");
    const jobs = [1, 2, 3, 4, 5].map((number) => goJob(`${owner}-${number}`, { user_id: owner }));
    const settings = { ...settingsOf(env), TOKEN_SECRET, MAX_JOBS_PER_OWNER: 3 };
    const items = jobs.map((job, index) => ({ number: index + 1, job: ok(job) }));
    const limited = () => importJobs({ env, settings, origin: ORIGIN, by: { actor: "admin" } }, items, io());
    const first = await limited();
    expect(first.imported).toBe(3);
    expect(first.skipped.map(({ reason }) => reason.includes("MAX_JOBS_PER_OWNER"))).toEqual([true, true]);
    for (const { id } of first.skipped) expectProblem(await call("GET", `/v1/jobs/${id}`), 404, "not_found");
    expect(await listed(`user_id=${owner}`)).toHaveLength(3);
    expect((await take(jobs)).body).toMatchObject({ imported: 2 });
    expect(await listed(`user_id=${owner}`)).toHaveLength(5);
    expect((await limited()).skipped.every(({ reason }) => reason.startsWith("already there"))).toBe(true);
  });

  it("keeps a 64-bit user id to the last digit", async () => {
    const id = fresh("big");
    const body = JSON.stringify([goJob(id)]).replace('"user_id":0', '"user_id":1234567890123456789');
    expect((await send(body)).body).toEqual({ imported: 1, skipped: [] });
    expect(await read(id)).toMatchObject({ user_id: "1234567890123456789", exec_scope: "user" });
  });

  it("can be deleted and imported again; a deleted job leaves no way to its object", async () => {
    const id = fresh("back");
    await take([goJob(id)]);
    expect((await call("DELETE", `/v1/jobs/${id}`)).status).toBe(204);
    const objects = (await listDurableObjectIds(env.JOB)).length;
    expectProblem(await call("GET", `/v1/jobs/${id}`), 404, "not_found");
    expect((await take([goJob(id, { name: "again" })])).body).toEqual({ imported: 1, skipped: [] });
    expect(await read(id)).toMatchObject({ name: "again" });
    expect((await listDurableObjectIds(env.JOB)).length).toBe(objects);
  });

  it("creates the other jobs if one cannot be stored for a moment, and that one when it is sent again", async () => {
    const [good, bad] = [fresh("store"), fresh("store")];
    const JOB = {
      getByName: (name: string) => {
        if (name === bad) throw new Error("the object is overloaded");
        return env.JOB.getByName(name);
      },
    } as unknown as typeof env.JOB;
    const settings = { ...settingsOf(env), TOKEN_SECRET };
    const items = [bad, good].map((id, index) => ({ number: index + 1, job: ok(goJob(id, { user_id: "stored" })) }));
    const cut = await importJobs(
      { env: { ...env, JOB }, settings, origin: ORIGIN, by: { actor: "admin" } },
      items,
      io(),
    );
    expect(cut).toEqual({
      imported: 1,
      skipped: [{ id: bad, reason: expect.stringContaining("send it again") }],
    });
    expect(await listed("user_id=stored")).toEqual([good]);
    expect((await take(items.map(({ job }) => job.value))).body).toMatchObject({
      imported: 1,
      skipped: [{ id: good }],
    });
    expect((await listed("user_id=stored")).sort()).toEqual([bad, good].sort());
  });

  it("names a job that cannot be read, and creates the others", async () => {
    const [good, bad] = [fresh("read"), fresh("read")];
    const spoilt = Object.defineProperty(goJob(bad), "name", {
      enumerable: true,
      get: () => {
        throw new Error("a bug");
      },
    });
    const items = [spoilt, goJob(good)].map((job, index) => ({ number: index + 1, job: ok(job) }));
    const settings = { ...settingsOf(env), TOKEN_SECRET };
    expect(await importJobs({ env, settings, origin: ORIGIN, by: { actor: "admin" } }, items, io())).toEqual({
      imported: 1,
      skipped: [{ id: bad, reason: expect.stringContaining("cannot be read") }],
    });
    expect(await read(good)).toMatchObject({ id: good });
  });

  it.each([
    ["counts them itself, and is refused none", 40, true],
    ["is refused the others", 60, false],
  ])("for which the platform allows 40 calls %s: the jobs that are left are named", async (_how, calls, counts) => {
    const user = fresh("many");
    let left = 40;
    let refused = 0;
    const counted = <T extends { getByName(name: string): unknown }>(binding: T) =>
      ({
        getByName: (name: string) => {
          if (left-- > 0) return binding.getByName(name);
          refused++;
          throw new Error("Too many subrequests by single Worker invocation.");
        },
      }) as unknown as T;
    const limited = { ...env, JOB: counted(env.JOB), DIRECTORY: counted(env.DIRECTORY) };
    const settings = { ...settingsOf(env), TOKEN_SECRET };
    let jobs: object[] = Array.from({ length: 25 }, (_, n) => goJob(`${user}-${n}`, { user_id: user }));
    jobs.push(goJob(fresh("named"), { owner_kind: "system", name: fresh("system") }));
    for (let round = 0; jobs.length > 0 && round < 12; round++) {
      left = 40;
      const items = jobs.map((job, index) => ({ number: index + 1, job: ok(job) }));
      const report = await importJobs(
        { env: limited, settings, origin: ORIGIN, by: { actor: "admin" } },
        items,
        io(calls),
      );
      if (round === 0) expect(report.skipped.length).toBeGreaterThan(0);
      if (counts) expect([report.imported > 0, refused]).toEqual([true, 0]);
      expect(report.skipped.filter(({ reason }) => !reason.startsWith("not looked at"))).toEqual([]);
      const skipped = new Set(report.skipped.map(({ id }) => id));
      jobs = jobs.filter((job) => "id" in job && skipped.has(String(job.id)));
    }
    expect(jobs).toEqual([]);
    expect(await listed(`user_id=${user}&limit=100`)).toHaveLength(25);
  });

  it("sent twice at once creates each job once", async () => {
    const ids = Array.from({ length: 30 }, () => fresh("twice"));
    const jobs = ids.map((id) => goJob(id, { user_id: "twice" }));
    const both = await Promise.all([take(jobs), take(jobs)]);
    expect(both.reduce((sum, { body }) => sum + Number(body.imported), 0)).toBe(30);
    expect((await listed("user_id=twice&limit=100")).sort()).toEqual([...ids].sort());
  });

  it("that was interrupted between the place and the job is finished by a repeat", async () => {
    const id = fresh("crash");
    const cut = await take([goJob(id, { schedule: { every: "nonsense" } })]);
    expect(cut.body.imported).toBe(0);
    const { reserveJob, adoptJobId } = await import("../../../../src/directory/jobs-index.ts");
    const { entry } = await import("../../directory-fixture.ts");
    await reserveJob(env, entry({ id, owner: "user:crash", userId: "crash", name: "half" }), { maxJobs: 10 });
    await adoptJobId(env, id, "user:crash");
    const again = await take([goJob(id, { user_id: "crash" })]);
    expect(again.body).toEqual({ imported: 1, skipped: [] });
    expect(await listed("user_id=crash")).toEqual([id]);
    expect(await listed("user_id=crash&name=Water%20the%20plants")).toEqual([id]);
  });
});

describe("the body of an import", () => {
  const one = () => goJob(fresh("form"));

  it.each<[string, (job: unknown) => string, string]>([
    ["an array", (job) => JSON.stringify([job]), "application/json"],
    ["an envelope", (job) => JSON.stringify({ jobs: [job] }), "application/json; charset=utf-8"],
    ["one job a line", (job) => `${JSON.stringify(job)}\n`, "application/x-ndjson"],
    ["one job a line with blank lines and CRLF", (job) => `\r\n${JSON.stringify(job)}\r\n\r\n`, "application/ndjson"],
    ["one job a line, called JSON", (job) => `${JSON.stringify(job)}\n${JSON.stringify(one())}`, "application/json"],
    ["an array, called lines", (job) => JSON.stringify([job], null, 2), "application/x-ndjson"],
    ["an array behind a byte order mark", (job) => `\ufeff${JSON.stringify([job])}`, "application/json"],
  ])("may be %s", async (_title, write, type) => {
    const job = one();
    const got = await send(write(job), type);
    expect(got.body, got.text).toMatchObject({ skipped: [] });
    expect(await read(job.id)).toMatchObject({ id: job.id });
  });

  it.each([["[]"], ["null"], ['{"jobs": []}'], ['{"jobs": null}']])("may hold nothing: %s", async (body) => {
    expect((await send(body)).body).toEqual({ imported: 0, skipped: [] });
  });

  it("may be the export of a deployment without jobs", async () => {
    expect((await send("", "application/x-ndjson")).body).toEqual({ imported: 0, skipped: [] });
  });

  it("with a broken line skips that line", async () => {
    const job = one();
    const got = await send(`{"id": "half\n${JSON.stringify(job)}`, "application/x-ndjson");
    expect(got.body).toMatchObject({
      imported: 1,
      skipped: [{ id: "#1", reason: expect.stringMatching(/^cannot be read as JSON/) }],
    });
  });

  it("skips a job that is nested too deep", async () => {
    const deep = `{"id":"deep","payload":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`;
    const job = one();
    const got = await send(`[${deep},${JSON.stringify(job)}]`);
    expect(got.body).toMatchObject({ imported: 1, skipped: [{ reason: expect.stringContaining("nested deeper") }] });
  });

  it.each(["{ half a file", "", "  ", '[{"id":"a"},', '[\n{"id":"a"},\n{"id":"b"}\n', "name,schedule"])(
    "that is not JSON as a whole is refused as such: %j",
    async (body) => {
      expectProblem(await send(body), 400, "invalid_json");
    },
  );

  it("that is not UTF-8 is refused as such", async () => {
    const body = new Uint8Array([0x5b, 0xff, 0x5d]);
    const got = await call("POST", "/v1/import", { body, headers: { "content-type": "application/json" } });
    expectProblem(got, 400, "invalid_json");
  });

  it.each(["7", '"jobs"', "{}", '{"jobs": {}}', '{"jobs": [], "version": 1}'])(
    "that holds no jobs is refused with the accepted forms: %s",
    async (body) => {
      expectProblem(await send(body), 422, "validation_failed");
    },
  );

  it("may be at most 10 MiB, while others may have 256 KiB", async () => {
    const big = goJob(fresh("big"), { message: "x".repeat(60 * 1024) });
    const jobs = Array.from({ length: 20 }, (_, index) => ({ ...big, id: `${big.id}-${index}` }));
    expect((await take(jobs)).body).toEqual({ imported: 20, skipped: [] });
    expectProblem(await send(`[${" ".repeat(10 * 1024 * 1024)}]`), 413, "payload_too_large");
    expect((await send(`[${" ".repeat(10 * 1024 * 1024 - 2)}]`)).body).toEqual({ imported: 0, skipped: [] });
    expectProblem(await send("[]", "text/csv"), 415, "unsupported_media_type");
  }, 30_000);
});
