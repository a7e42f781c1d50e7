/** A kill right after the answer: every acknowledged call has its effect after the restart, once. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  type Agent,
  type AgentCall,
  atEnd,
  eventually,
  type Reveille,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../harness/index.ts";

type View = { readonly id: string } & Readonly<Record<string, unknown>>;
type Work = "ok" | "hang" | "later";

const MINUTE_MS = 60_000;

let agent: Agent;
let reveille: Reveille;

const workOf = (call: AgentCall): unknown => JSON.parse(call.text).data.payload?.work;
const callsOf = (jobId: string): AgentCall[] =>
  agent.calls.filter((call) => JSON.parse(call.text).data.run?.job_id === jobId);

async function call<T = View>(method: string, path: string, json?: unknown, token?: string): Promise<T> {
  const response = await reveille.api(path, { method, json, ...(token === undefined ? {} : { token }) });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return (response.status === 204 ? {} : await response.json()) as T;
}

/** The fields of an answer to a create or change that are not of the job. */
const ADVICE = ["now", "schedule_description", "warnings"];
const withoutAdvice = (view: View | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(view ?? {}).filter(([field]) => !ADVICE.includes(field)));

const make = (name: string, work: Work = "ok", fields: Record<string, unknown> = {}): Promise<View> =>
  call("POST", "/v1/jobs", {
    name,
    message: "go",
    payload: { work },
    schedule: { cron: "0 0 1 1 *" },
    retry: { min_backoff: "1s", max_backoff: "1s" },
    ...fields,
  });

const listed = async (query: string): Promise<View[]> =>
  (await call<{ items: View[] }>("GET", `/v1/jobs?limit=100&${query}`)).items;
const runsOf = async (id: string): Promise<View[]> =>
  (await call<{ items: View[] }>("GET", `/v1/jobs/${id}/runs?limit=100`)).items;
const status = async (path: string): Promise<number> => (await reveille.api(path)).status;

/** Starts a run of the job and waits until the agent has been called for it. */
async function begin(job: View): Promise<{ readonly path: string; readonly token: string }> {
  const { run_id } = await call("POST", `/v1/jobs/${job.id}/run`);
  const { data } = JSON.parse((await eventually("the agent is called", () => callsOf(job.id)[0])).text);
  return { path: `/v1/jobs/${job.id}/runs/${run_id}`, token: data.complete.token };
}

describe("after a SIGKILL, an acknowledged call has its effect:", () => {
  const to = Math.floor(Date.now() / (5 * MINUTE_MS)) * 5 * MINUTE_MS;
  const hour = { from: new Date(to - 60 * MINUTE_MS).toISOString(), to: new Date(to).toISOString() };
  const before: Record<string, View> = {};
  const jobs: Record<string, View> = {};
  let paths: Record<"completed" | "cancelled" | "waiting" | "interrupted", string>;
  let called: Record<string, number>;

  beforeAll(async () => {
    agent = await startAgent((seen) => {
      const attempt = JSON.parse(seen.text).data.run?.attempt;
      if (workOf(seen) === "hang" && attempt === 1) return { instead: "hang" };
      return workOf(seen) === "later" ? { status: 202 } : { body: { ok: true } };
    });
    atEnd(() => agent.stop());
    const start = { dataDir: await temporaryFolder(), env: { AGENT_URL: agent.url, AGENT_SECRET: agent.secret } };
    reveille = await startReveille(start);
    atEnd(async () => {
      await reveille.stop();
    });

    const names = ["patched", "paused", "deleted", "run", "backfilled"];
    const [patched, paused, deleted, run, backfilled] = await Promise.all(
      names.map((name) =>
        make(name, "ok", { schedule: { cron: name === "backfilled" ? "*/5 * * * *" : "0 0 1 1 *" } }),
      ),
    );
    const [completed, cancelled, waiting, interrupted, busy] = await Promise.all([
      make("completed", "later"),
      make("cancelled", "hang"),
      make("waiting", "later"),
      make("interrupted", "hang"),
      make("busy", "hang"),
    ]);
    const begun = await Promise.all([completed, cancelled, waiting, interrupted, busy].map(begin));
    const [atCompleted, atCancelled, atWaiting, atInterrupted] = begun;
    if (!patched || !paused || !deleted || !run || !backfilled) throw new Error("a job was not made");
    if (!atCompleted || !atCancelled || !atWaiting || !atInterrupted) throw new Error("a run was not begun");
    paths = {
      completed: atCompleted.path,
      cancelled: atCancelled.path,
      waiting: atWaiting.path,
      interrupted: atInterrupted.path,
    };
    const idOf = { deleted, busy, run, backfilled, interrupted, cancelled };

    // All at once, so that the kill comes right after each answer.
    const effects: Record<string, Promise<View>> = {
      created: make("created"),
      ensured: call("PUT", "/v1/jobs/ensure", { name: "ensured", schedule: { every: "1h" } }),
      patched: call("PATCH", `/v1/jobs/${patched.id}`, { name: "renamed", labels: { team: "a" } }),
      paused: call("POST", `/v1/jobs/${paused.id}/pause`),
      deleted: call("DELETE", `/v1/jobs/${deleted.id}`),
      deletedBusy: call("DELETE", `/v1/jobs/${busy.id}`),
      run: call("POST", `/v1/jobs/${run.id}/run`),
      backfilled: call("POST", `/v1/jobs/${backfilled.id}/backfill`, hour),
      completed: call("POST", `${atCompleted.path}/complete`, { status: "success", output: "done" }, atCompleted.token),
      cancelled: call("POST", `${atCancelled.path}/cancel`),
      progress: call("POST", `${atWaiting.path}/progress`, { percent: 40 }, atWaiting.token),
      user: call("PUT", "/v1/users/ada", { active: false }),
      heartbeat: call("PUT", "/v1/heartbeats/main", { every: "30m" }),
      agent: call("PUT", "/v1/agents/other", { url: agent.url }),
    };
    for (const [name, effect] of Object.entries(effects)) before[name] = await effect;
    await reveille.kill("SIGKILL");
    called = Object.fromEntries(Object.entries(idOf).map(([name, { id }]) => [name, callsOf(id).length]));
    for (const [name, job] of Object.entries(idOf)) jobs[name] = job;
    reveille = await startReveille({ ...start, port: reveille.port });
  }, 60_000);

  it("a created job exists as answered, and is listed once", async () => {
    for (const name of ["created", "ensured"]) {
      const job = before[name];
      expect(await call("GET", `/v1/jobs/${job?.id}`)).toEqual(withoutAdvice(job));
      expect((await listed("")).filter(({ id }) => id === job?.id)).toHaveLength(1);
    }
    const again = await call("PUT", "/v1/jobs/ensure", { name: "ensured", schedule: { every: "1h" } });
    expect(withoutAdvice(again)).toEqual(withoutAdvice(before.ensured));
  });

  it("a change is stored, and lists find the job by it", async () => {
    expect(await call("GET", `/v1/jobs/${before.patched?.id}`)).toEqual(withoutAdvice(before.patched));
    expect(await call("GET", `/v1/jobs/${before.paused?.id}`)).toEqual(withoutAdvice(before.paused));
    await eventually("the directory is in step", async () => {
      const found = [await listed("label=team:a"), await listed("name=renamed"), await listed("state=paused")];
      return found.every((items) => items.length === 1) && (await listed("name=patched")).length === 0;
    });
  });

  it("a deleted job is gone, and its run does not continue", async () => {
    for (const name of ["deleted", "busy"]) {
      expect(await status(`/v1/jobs/${jobs[name]?.id}`)).toBe(404);
      expect((await listed("state=active,paused,finished")).some(({ id }) => id === jobs[name]?.id)).toBe(false);
    }
    // By then the interrupted run, of the same kind, has been attempted again.
    await eventually("the other is called again", () => callsOf(jobs.interrupted?.id ?? "").length === 2);
    expect(callsOf(jobs.busy?.id ?? "")).toHaveLength(called.busy ?? 0);
  });

  it("a requested run is made, under the answered id", async () => {
    const path = `/v1/jobs/${jobs.run?.id}/runs/${before.run?.run_id}`;
    await eventually("it has ended", async () => (await call("GET", path)).status === "success");
    expect(await runsOf(jobs.run?.id ?? "")).toHaveLength(1);
  });

  it("an interrupted run is attempted again under the same id and session", async () => {
    await eventually("it has ended", async () => (await call("GET", paths.interrupted)).status === "success");
    const [first, second] = callsOf(jobs.interrupted?.id ?? "");
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.headers["reveille-session-id"]).toBe(first?.headers["reveille-session-id"]);
    expect((await call("GET", paths.interrupted)).attempt).toBe(2);
  });

  it("a backfill makes the answered number of runs", async () => {
    const count = Number(before.backfilled?.count);
    expect(count).toBeGreaterThan(10);
    const ended = await eventually("all have ended", async () => {
      const items = (await runsOf(jobs.backfilled?.id ?? "")).filter(({ trigger }) => trigger === "backfill");
      return items.filter((run) => run.status === "success").length >= count ? items : undefined;
    });
    expect(ended).toHaveLength(count);
    expect(new Set(ended.map((run) => run.scheduled_at)).size).toBe(count);
  });

  it("a run stays as answered: completed, cancelled, under way", async () => {
    expect(await call("GET", paths.completed)).toEqual(before.completed);
    expect(await call("GET", paths.cancelled)).toEqual(before.cancelled);
    expect(await call("GET", paths.waiting)).toMatchObject({ status: "running", progress: { percent: 40 } });
    expect(callsOf(jobs.cancelled?.id ?? "")).toHaveLength(called.cancelled ?? 0);
  });

  it("users, heartbeats and agents exist", async () => {
    expect(await call("GET", "/v1/users/ada")).toMatchObject({ active: false });
    expect(await status("/v1/heartbeats/main")).toBe(200);
    expect(await status("/v1/agents/other")).toBe(200);
  });
});
