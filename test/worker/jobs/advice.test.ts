/** Every answer that creates or changes a job has warnings, the schedule in words and the time (docs/contract.md §13). */
import { describe, expect, it } from "vitest";
import { call, fresh, jobInput, makeJob } from "../http-fixture.ts";

type Warned = {
  readonly warnings?: readonly { readonly path: string; readonly code: string; readonly message: string }[];
};
const codesOf = (body: unknown): string[] => ((body as Warned).warnings ?? []).map(({ code }) => code).sort();

const cron = { cron: "0 9 * * *" };
const clean = { cron: "0 9 * * *", timezone: "Europe/Berlin" };

describe("an answer that creates or changes a job", () => {
  it("has warnings about likely mistakes, the schedule in words, and the current time", async () => {
    const made = await call("POST", "/v1/jobs", { json: jobInput({ schedule: cron, agent_id: fresh("nobody") }) });
    expect(made.status).toBe(201);
    expect(codesOf(made.body)).toEqual(["agent_not_registered", "utc_assumed"]);
    expect(made.body).toMatchObject({ schedule_description: "At 09:00 (UTC)", now: made.body.created_at });

    const patched = await call("PATCH", `/v1/jobs/${made.body.id}`, {
      json: { agent_id: null, schedule: { timezone: "EST" } },
    });
    expect(codesOf(patched.body)).toContain("fixed_offset_zone");
    expect(patched.body).toMatchObject({ schedule_description: "At 09:00 (EST)", now: expect.any(String) });

    const dry = await call("POST", "/v1/jobs?dry_run=true", {
      json: jobInput({ schedule: { every: "1d" }, timeout: "5m" }),
    });
    expect(dry.body).toMatchObject({ schedule_description: "Every 24 hours", now: expect.any(String) });
    expect(codesOf(dry.body)).toContain("anchor");

    const name = fresh("ensured");
    const ensured = await call("PUT", "/v1/jobs/ensure", {
      json: { name, message: "m", schedule: { cron: "0 9 1 * 1" } },
    });
    expect(ensured.status).toBe(201);
    expect(codesOf(ensured.body)).toEqual(expect.arrayContaining(["day_or_weekday", "utc_assumed"]));
    const again = await call("PUT", "/v1/jobs/ensure", {
      json: { name, message: "m", schedule: { cron: "0 9 1 * 1" } },
    });
    expect([again.status, again.body.schedule_description]).toEqual([200, ensured.body.schedule_description]);
  });

  it("differs from a GET, which has none of these fields", async () => {
    const id = await makeJob(jobInput({ schedule: cron }));
    const read = await call("GET", `/v1/jobs/${id}`);
    for (const field of ["warnings", "schedule_description", "now"]) expect(read.body).not.toHaveProperty(field);
  });

  it("warns of a second job with the same name and owner, and of runs that may overlap if timeout is given", async () => {
    const [name, user] = [fresh("twin"), fresh("u")];
    const input = (fields: Record<string, unknown>) => jobInput({ name, schedule: clean, ...fields });
    const first = await call("POST", "/v1/jobs", { json: input({ user_id: user }) });
    expect(codesOf(first.body)).not.toContain("duplicate_name");
    const other = await call("POST", "/v1/jobs", { json: input({ user_id: fresh("u") }) });
    expect(codesOf(other.body)).not.toContain("duplicate_name");
    const second = await call("POST", "/v1/jobs", {
      json: input({ user_id: user, timeout: "5m", schedule: { every: "1m" } }),
    });
    expect(codesOf(second.body)).toEqual(expect.arrayContaining(["duplicate_name", "may_overlap"]));
    expect(JSON.stringify(second.body.warnings)).toContain(String(first.body.id));
    await call("DELETE", `/v1/jobs/${first.body.id}`);
    const alone = await call("PATCH", `/v1/jobs/${second.body.id}`, { json: { message: "other" } });
    expect(codesOf(alone.body)).not.toContain("duplicate_name");
  });

  it("is the same for a repeat under an Idempotency-Key, and `in` counts from the first call", async () => {
    const key = fresh("key");
    const send = () =>
      call("POST", "/v1/jobs", { json: jobInput({ schedule: { in: "20m" } }), headers: { "idempotency-key": key } });
    const [made, repeated] = [await send(), await send()];
    expect(made.status).toBe(201);
    expect(repeated.status).toBe(200);
    expect((repeated.body.schedule as { at: string }).at).toBe((made.body.schedule as { at: string }).at);
    expect(repeated.body).toHaveProperty("schedule_description");
  });
});

describe("a pause", () => {
  const pause = (id: string, until: string) => call("POST", `/v1/jobs/${id}/pause`, { json: { until } });

  it("warns if it outlasts the job's last fire, and says how to run the job later", async () => {
    const once = await makeJob(jobInput({ schedule: { in: "1h" } }));
    expect((await pause(once, "30m")).body).not.toHaveProperty("warnings");
    const { body } = await pause(once, "2h");
    expect(body.warnings).toMatchObject([{ path: "until", code: "pause_outlasts_fires" }]);
    expect(JSON.stringify(body.warnings)).toContain(`PATCH /v1/jobs/${once}`);
    const ending = await makeJob(jobInput({ schedule: { ...clean, ends_at: "2027-01-01T00:00:00Z" } }));
    expect(codesOf((await pause(ending, "2027-02-01T00:00:00Z")).body)).toEqual(["pause_outlasts_fires"]);
    expect((await pause(ending, "2026-12-31T00:00:00Z")).body).not.toHaveProperty("warnings");
  });
});

describe("a pause that ends by itself", () => {
  it("shows the first fire after it, wherever the job is shown, and hides next_run_at", async () => {
    const id = await makeJob(jobInput({ schedule: { ...clean, ends_at: "2099-03-01T00:00:00Z" } }));
    const pause = (body: object) => call("POST", `/v1/jobs/${id}/pause`, { json: body });
    const first = { paused_until: "2099-02-02T08:30:00.000Z", next_run_after_pause: "2099-02-03T08:00:00.000Z" };
    const paused = await pause({ until: "2099-02-02T08:30:00Z" });
    expect(paused.body).toMatchObject(first);
    expect(paused.body).not.toHaveProperty("next_run_at");
    expect((await call("GET", `/v1/jobs/${id}`)).body).toMatchObject(first);
    expect((await call("GET", `/v1/jobs/${id}/explain`)).text).toContain("due next at 2099-02-03T08:00:00.000Z");
    expect((await pause({ until: "2099-05-01T00:00:00Z" })).body).not.toHaveProperty("next_run_after_pause");
    expect((await pause({})).body).not.toHaveProperty("next_run_after_pause");
    const patched = await call("PATCH", `/v1/jobs/${id}`, { json: { next_run_after_pause: "x" } });
    expect(patched.text).toContain("is read-only");
  });
});

describe("a subscription", () => {
  const to = [{ type: "webhook", url: "https://notify.test/advice" }];
  const put = (body: object) => call("PUT", `/v1/subscriptions/${fresh("sub")}`, { json: { to, ...body } });

  it("warns of events that jobs report only on request, with the call that requests them", async () => {
    const labels = { team: fresh("team") };
    const asked = { events: ["run.failed", "run.succeeded"], match: { label: `team:${labels.team}` } };
    expect((await put({ ...asked, events: ["run.failed"] })).body).not.toHaveProperty("warnings");
    expect((await put(asked)).text).toContain("no job matches yet");
    const id = await makeJob(jobInput({ labels, schedule: clean }));
    const warned = await put(asked);
    expect(warned.body.warnings).toMatchObject([{ path: "events.1", code: "needs_report_all" }]);
    expect(warned.text).toContain('PATCH /v1/jobs/{id} {\\"report\\": \\"all\\"}');
    await call("PATCH", `/v1/jobs/${id}`, { json: { report: "all" } });
    const sub = await put(asked);
    expect(sub.body).not.toHaveProperty("warnings");
  });
});

describe("a job for all users", () => {
  it("warns if no user is active", async () => {
    const everybody = { exec_scope: "all_users", schedule: clean };
    const users = (await call("GET", "/v1/users?active=true&limit=1")).body.items;
    const dry = () => call("POST", "/v1/jobs?dry_run=true", { json: jobInput(everybody) });
    if ((users as unknown[]).length === 0) expect(codesOf((await dry()).body)).toContain("no_active_users");
    const user = fresh("active");
    await call("PUT", `/v1/users/${user}`, { json: {} });
    expect(codesOf((await dry()).body)).not.toContain("no_active_users");
    await call("DELETE", `/v1/users/${user}`);
  });
});

describe("two jobs of one owner with different agents", () => {
  it("get the warning about the same name too", async () => {
    const [name, user_id] = [fresh("twin"), fresh("u")];
    await makeJob(jobInput({ name, user_id, agent_id: fresh("agent") }));
    const second = await call("POST", "/v1/jobs", { json: jobInput({ name, user_id, agent_id: fresh("agent") }) });
    expect(codesOf(second.body)).toContain("duplicate_name");
  });
});

describe("a preview", () => {
  it("warns too, for every kind of schedule", async () => {
    const preview = async (schedule: unknown) =>
      (await call("POST", "/v1/schedules/preview", { json: { schedule, count: 2, from: "2026-11-23T09:00:00Z" } }))
        .body;
    expect(await preview({ cron: "*/45 * * * *" })).toMatchObject({
      description: "At 0 and 45 minutes past the hour (UTC)",
      warnings: [{ path: "schedule.cron", code: "uneven_step" }],
    });
    expect(await preview({ in: "20m" })).toEqual({
      next: [{ at: "2026-11-23T09:20:00.000Z", local: "2026-11-23T09:20:00+00:00" }],
      description: "Once, at 2026-11-23T09:20:00+00:00",
    });
    expect(
      await preview({ rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0", timezone: "Europe/Berlin" }),
    ).toEqual({
      next: [
        { at: "2026-11-24T13:00:00.000Z", local: "2026-11-24T14:00:00+01:00" },
        { at: "2026-12-08T13:00:00.000Z", local: "2026-12-08T14:00:00+01:00" },
      ],
      description: "Every 2 weeks, on Tuesday, at 14:00 (Europe/Berlin)",
    });
    expect(await preview({ manual: true })).toEqual({
      next: [],
      description: "Never by itself, only when it is run or triggered",
    });
    expect(await preview({ at: "2027-01-15T14:30", timezone: "Asia/Tokyo" })).toMatchObject({
      next: [{ at: "2027-01-15T05:30:00.000Z", local: "2027-01-15T14:30:00+09:00" }],
    });
    expect(await preview({ every: "12h", starts_at: "2026-11-01T09:00:00Z", exclude: ["TUE"] })).toMatchObject({
      next: [{ at: "2026-11-23T21:00:00.000Z" }, { at: "2026-11-25T09:00:00.000Z" }],
    });
  });
});
