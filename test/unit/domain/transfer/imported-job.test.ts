/** From an item of a file to a job (docs/contract.md §6): an item of the Go original, one of an export, or neither. */
import { describe, expect, it } from "vitest";
import { readImportedJob } from "../../../../src/domain/transfer/imported-job.ts";
import { exportView, restoreJob } from "../../../../src/domain/transfer/restored-job.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const at = (text: string): number => Date.parse(text);

/** A job as Go's encoder writes one that uses nothing. */
const GO_JOB = {
  id: "a1b2c3d4",
  owner_kind: "",
  exec_scope: "",
  plugin_id: "",
  job_key: "",
  runtime_name: "",
  name: "Water the plants",
  description: "",
  schedule: { cron: "", every: "30m", at: "" },
  message: "Water them",
  payload: null,
  session_mode: "",
  enabled: true,
  agent_id: "",
  user_id: 0,
  created_at: "2026-01-02T03:04:05.123456789+08:00",
  updated_at: "0001-01-01T00:00:00Z",
  last_run_at: null,
  last_error: "",
};

const read = (fields: Record<string, unknown> = {}, now = NOW) => readImportedJob({ ...GO_JOB, ...fields }, now);
function made(fields: Record<string, unknown> = {}) {
  const job = read(fields);
  if (!job.ok) throw new Error(job.error);
  return job.value;
}
const definition = (fields: Record<string, unknown>) => made(fields).job.definition;
const reason = (fields: Record<string, unknown>): string => {
  const job = read(fields);
  return job.ok ? "made" : job.error;
};

describe("a job of the Go original", () => {
  it("keeps its id and age, and what is empty in Go counts as left out", () => {
    const { id, createdAt, restored, job } = made();
    expect([id, createdAt]).toEqual(["a1b2c3d4", at("2026-01-01T19:04:05.123Z")]);
    expect(restored).toMatchObject({ anchorAt: createdAt, updatedAt: createdAt, runCount: 0, resumeAt: NOW });
    expect(job.definition).toMatchObject({
      owner_kind: "user",
      exec_scope: "system",
      session_mode: "reuse",
      enabled: true,
    });
    for (const field of ["description", "payload", "agent_id", "user_id", "plugin_id", "labels"]) {
      expect(job.definition).not.toHaveProperty(field);
    }
    expect(job.definition.schedule).toEqual({ every: "30m" });
  });

  it("fires next on the grid of its creation, and never for the time before the import", () => {
    const { id, job, createdAt, restored } = made();
    const { cursor } = restoreJob(id, job, createdAt, restored);
    expect(cursor.nextDueAt).toBe(at("2026-11-23T12:04:05.123Z"));
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["a user as a number", { user_id: 42 }, { user_id: "42", exec_scope: "user" }],
    ["a chat's negative number", { user_id: -1_001_234 }, { user_id: "-1001234", exec_scope: "user" }],
    ["a user as text", { user_id: "u-1", exec_scope: "user" }, { user_id: "u-1", exec_scope: "user" }],
    ["scope user without a user", { exec_scope: "user" }, { exec_scope: "system", user_id: undefined }],
    ["a scope it did not know", { exec_scope: "team", user_id: 7 }, { exec_scope: "user", user_id: "7" }],
    ["scope system beside a user", { exec_scope: "system", user_id: 7 }, { exec_scope: "system", user_id: undefined }],
    ["all users", { exec_scope: "all_users", user_id: 7 }, { exec_scope: "all_users", user_id: undefined }],
    ["robfig's @every", { schedule: { cron: "@every 90m" } }, { schedule: { every: "90m" } }],
    [
      "robfig's CRON_TZ",
      { schedule: { cron: "CRON_TZ=Asia/Tokyo 0 9 * * *" } },
      { schedule: { cron: "CRON_TZ=Asia/Tokyo 0 9 * * *" } },
    ],
    ["a new session each time", { session_mode: "new" }, { session_mode: "new" }],
    ["a paused job", { enabled: false }, { enabled: false }],
    ["a chat job of an organisation", { org_id: "o1", dispatch_kind: "chat" }, { name: "Water the plants" }],
    [
      "a plugin job, whatever its user, scope and session",
      {
        owner_kind: "plugin",
        plugin_id: "p",
        job_key: "k",
        runtime_name: "r",
        message: "",
        user_id: 3,
        exec_scope: "user",
        session_mode: "new",
      },
      { owner_kind: "plugin", exec_scope: "system", session_mode: "reuse", user_id: undefined, message: undefined },
    ],
    ["a system job", { owner_kind: "system", message: "" }, { owner_kind: "system", exec_scope: "system" }],
  ])("%s", (_title, fields, expected) => {
    const got = definition(fields);
    for (const [field, value] of Object.entries(expected)) expect(got[field as keyof typeof got], field).toEqual(value);
  });

  it("keeps its last run and last error", () => {
    const last_run_at = "2026-11-01T00:00:00Z";
    expect(made({ last_run_at }).restored).toMatchObject({ lastRunAt: at(last_run_at), lastStatus: "success" });
    expect(made({ last_run_at, last_error: "boom" }).restored).toMatchObject({
      lastStatus: "error",
      lastError: "boom",
    });
    expect(made({}).restored.lastStatus).toBeUndefined();
  });

  it("with an envelope in its message becomes the plugin job of that envelope", () => {
    const envelope = {
      plugin_id: "rss",
      key: "poll",
      runtime_name: "feeds",
      payload: { url: "x" },
      description: "Polls",
    };
    const got = definition({
      message: `__anna_plugin_job__:${JSON.stringify(envelope)}`,
      user_id: 5,
      session_mode: "new",
    });
    expect(got).toMatchObject({
      owner_kind: "plugin",
      plugin_id: "rss",
      job_key: "poll",
      runtime_name: "feeds",
      payload: { url: "x" },
      description: "Polls",
      exec_scope: "system",
      session_mode: "reuse",
    });
    expect(got).not.toHaveProperty("message");
    expect(got).not.toHaveProperty("user_id");
  });

  it("with an envelope keeps its payload: every key, and no silently changed number", () => {
    const envelope = (payload: string) => ({
      message: `__anna_plugin_job__:{"plugin_id":"rss","key":"poll","payload":${payload}}`,
    });
    const got = definition(envelope('{"__proto__": {"a": 1}, "n": 0.1}'));
    expect(JSON.stringify(got.payload)).toBe('{"__proto__":{"a":1},"n":0.1}');
    expect(reason(envelope('{"big": 12345678901234567890}'))).toMatch(/^payload\.big: .*send it as a string/);
  });

  it("with an envelope without a runtime is accepted as in Go; the runtime gets the plugin's name", () => {
    const got = definition({ message: '__anna_plugin_job__:{"plugin_id":"rss","key":"poll"}' });
    expect(got).toMatchObject({ owner_kind: "plugin", plugin_id: "rss", job_key: "poll", runtime_name: "rss" });
  });

  it.each([
    "",
    "{",
    "[]",
    '"x"',
    '{"plugin_id":"p"}',
    '{"plugin_id":"","key":"k"}',
    '{"plugin_id":"p","key":"k","payload":7}',
  ])("with the broken envelope %s is refused", (envelope) => {
    expect(reason({ message: `__anna_plugin_job__:${envelope}` })).toMatch(
      /^message: begins with __anna_plugin_job__:/,
    );
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ schedule: { cron: "", every: "", at: "2026-11-23T11:59:59Z" } }, /^schedule\.at: .*not in the future/],
    [{ schedule: { cron: "every day" } }, /^schedule\.cron: /],
    [{ schedule: { cron: "0 0 30 2 *" } }, /^schedule\.cron: .*never fires/],
    [{ schedule: { cron: "0 9 * * *", every: "1h" } }, /^schedule: /],
    [{ schedule: { cron: "", every: "", at: "" } }, /^schedule: /],
    [{ schedule: null }, /^schedule: /],
    [{ schedule: { every: "500ms" } }, /^schedule\.every: /],
    [{ schedule: { every: "1h", weekly: true } }, /^schedule\.weekly: is not a field/],
    [{ message: "" }, /^message: is required/],
    [{ name: "" }, /^name: /],
    [{ priority: 3 }, /^priority: is not a field/],
    [{ id: "no blanks" }, /^id: /],
    [{ id: "" }, /^id: /],
    [{ user_id: 1.5 }, /^user_id: /],
    [{ payload: [1] }, /^payload: /],
    [{ created_at: "yesterday" }, /^created_at: /],
    [{ owner_kind: "plugin", plugin_id: "p" }, /^job_key: .*; runtime_name: /],
    [{ dispatch_kind: "workflow" }, /^dispatch_kind: /],
  ])("%j is refused, for a reason that names the field", (fields, expected) => {
    expect(reason(fields)).toMatch(expected);
  });

  it.each([null, 7, "job", [GO_JOB]])("is not %j", (item) => {
    expect(readImportedJob(item, NOW)).toEqual({ ok: false, error: "is not a JSON object" });
  });

  it("from the future counts as created now", () => {
    const { createdAt, restored } = made({ created_at: "2030-01-01T00:00:00Z", updated_at: "2031-01-01T00:00:00Z" });
    expect([createdAt, restored.anchorAt, restored.updatedAt]).toEqual([NOW, NOW, NOW]);
  });
});

describe("a line of an export", () => {
  const restored = {
    resumeAt: NOW,
    updatedAt: at("2026-11-02T00:00:00Z"),
    anchorAt: at("2026-11-01T00:00:01Z"),
    fires: 3,
    runCount: 5,
    consecutiveFailures: 2,
    lastRunAt: at("2026-11-22T00:00:00Z"),
    lastStatus: "error",
    lastError: "boom",
  } as const;
  const line = (fields: Record<string, unknown> = {}, more: object = {}) => {
    const { id, job } = made({ schedule: { every: "1h", max_runs: 9 }, labels: { team: "ops" }, ...fields });
    const { record, cursor } = restoreJob(id, job, at("2026-10-01T00:00:00Z"), { ...restored, ...more });
    return exportView(record, cursor, NOW);
  };
  const again = (item: object, now = NOW) => {
    const job = readImportedJob(item, now);
    if (!job.ok) return job.error;
    const { id, createdAt } = job.value;
    const { record, cursor } = restoreJob(id, job.value.job, createdAt, job.value.restored);
    return exportView(record, cursor, NOW);
  };

  it("is the same after an import", () => {
    for (const exported of [
      line(),
      line({ enabled: false }, { pausedReason: "410" }),
      line({ owner_kind: "system", schedule: { cron: "0 9 * * *" } }),
      line({ exec_scope: "all_users" }),
      line({ schedule: { manual: true } }),
      line({ schedule: { rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", timezone: "Asia/Tokyo", exclude: ["2026-12-25"] } }),
      line({ schedule: { at: "2027-01-15T14:30", timezone: "Asia/Tokyo" } }),
    ]) {
      expect(again(exported)).toEqual(exported);
      expect(exported).toMatchObject({ anchor_at: "2026-11-01T00:00:01.000Z", run_count: 5, last_error: "boom" });
    }
  });

  it("with a message like an envelope stays unchanged", () => {
    const message = "__anna_plugin_job__:{}";
    expect(again({ ...line(), message })).toMatchObject({ message, owner_kind: "user" });
  });

  it("of a finished job stays finished until its 7 days are over", () => {
    const finishedAt = at("2026-11-20T00:00:00Z");
    const exported = { ...line({}, { finishedAt }), schedule: { at: "2026-11-19T23:59:00Z" }, fires: undefined };
    expect(exported).toMatchObject({ state: "finished", finished_at: "2026-11-20T00:00:00.000Z" });
    const back = again(exported);
    expect(back).toMatchObject({ state: "finished", finished_at: "2026-11-20T00:00:00.000Z" });
    expect(back).not.toHaveProperty("next_run_at");
    expect(again(exported, finishedAt + 7 * 86_400_000)).toMatch(/^finished more than 7 days ago/);
  });

  it.each([
    ["in an hour resumes then", "2026-11-23T13:00:00Z", at("2026-11-23T13:00:00Z")],
    ["an hour ago resumes now, and catches up on nothing", "2026-11-23T11:00:00Z", NOW],
  ])("of a job whose pause ends %s", (_what, paused_until, resumeAt) => {
    const { id, job, createdAt, restored } = made({ etag: '"1"', enabled: false, state: "paused", paused_until });
    expect(restoreJob(id, job, createdAt, restored).record.resumeAt).toBe(resumeAt);
    expect(made({ etag: '"1"', paused_until }).restored.pausedUntil).toBeUndefined();
  });

  it("continues to count towards max_runs, and is refused if that is used up", () => {
    expect(again({ ...line(), fires: 8 })).toMatchObject({ fires: 8, next_run_at: expect.any(String) });
    expect(again({ ...line(), fires: 9 })).toMatch(/^schedule\.max_runs: /);
    expect(again({ ...line({ enabled: false }), fires: 9 })).toMatchObject({ state: "paused", fires: 9 });
  });

  it("with an unknown field is refused", () => {
    expect(again({ ...line(), colour: "red" })).toBe("colour: is not a field here; leave it out");
  });
});
