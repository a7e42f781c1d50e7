/** Jobs of every kind fire on time at a real agent, and continue after a kill. */
import { beforeAll, describe, expect, it } from "vitest";
import { isLong } from "../../size.ts";
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

type Run = { id: string; status: string; scheduled_at: string; missed?: number; error?: string };

let agent: Agent;
let reveille: Reveille;
let env: Record<string, string>;
let dataDir: string;

beforeAll(async () => {
  agent = await startAgent();
  atEnd(() => agent.stop());
  dataDir = await temporaryFolder();
  env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  reveille = await startReveille({ dataDir, env });
  atEnd(async () => {
    await reveille.stop();
  });
});

async function makeJob(
  schedule: unknown,
  fields: Record<string, unknown> = {},
): Promise<{ id: string; next_run_at?: string }> {
  const response = await reveille.api("/v1/jobs", {
    method: "POST",
    json: { name: "n", message: "wake up", schedule, ...fields },
  });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: string; next_run_at?: string };
}

const callsOf = (jobId: string): AgentCall[] =>
  agent.calls.filter((call) => JSON.parse(call.text).data.run.job_id === jobId);

async function runsOf(jobId: string): Promise<Run[]> {
  const response = await reveille.api(`/v1/jobs/${jobId}/runs`);
  return ((await response.json()) as { items: Run[] }).items;
}

/** Milliseconds between a call's due time and its arrival. */
const lag = (call: AgentCall): number => call.receivedAt - Date.parse(JSON.parse(call.text).data.run.scheduled_at);

describe("a job fires within a second of its due time, signed, and is logged", () => {
  it("once at a time, and is then finished", async () => {
    const job = await makeJob({ at: new Date(Date.now() + 1_500).toISOString() });
    const call = await eventually("the agent is called", () => callsOf(job.id)[0]);
    expect(call.signed).toBe(true);
    expect(lag(call)).toBeLessThan(1_000);
    expect(call.headers["reveille-session-id"]).toBe(`scheduler:${job.id}`);
    const finished = await eventually("the job is finished", async () => {
      const view = (await (await reveille.api(`/v1/jobs/${job.id}`)).json()) as { state: string };
      return view.state === "finished" ? view : undefined;
    });
    expect(finished).not.toHaveProperty("next_run_at");
    expect((await runsOf(job.id)).map((run) => run.status)).toEqual(["success"]);
    expect(callsOf(job.id)).toHaveLength(1);
  });

  it("every interval, without drift", async () => {
    const job = await makeJob({ every: "1s" });
    const calls = await eventually("three calls", () => (callsOf(job.id).length >= 3 ? callsOf(job.id) : undefined));
    const due = calls.map((call) => Date.parse(JSON.parse(call.text).data.run.scheduled_at));
    expect((due[2] ?? 0) - (due[0] ?? 0)).toBe(2_000);
    expect(due[0]).toBe(Date.parse(job.next_run_at ?? ""));
    for (const call of calls) expect(lag(call)).toBeLessThan(1_000);
    await reveille.api(`/v1/jobs/${job.id}`, { method: "DELETE" });
  });

  it.runIf(isLong)(
    "by calendar",
    async () => {
      const job = await makeJob({ cron: "* * * * *" });
      expect(Date.parse(job.next_run_at ?? "") % 60_000).toBe(0);
      const call = await eventually("the agent is called at the full minute", () => callsOf(job.id)[0], 65_000);
      expect(lag(call)).toBeLessThan(1_000);
      await reveille.api(`/v1/jobs/${job.id}`, { method: "DELETE" });
    },
    70_000,
  );
});

describe("after a SIGKILL and a restart", () => {
  it("missed fires become one run, within or beyond the catch-up window, and the phase is kept", async () => {
    const ticking = await makeJob({ every: "2s" });
    await eventually("the first call", () => callsOf(ticking.id)[0]);
    const due = new Date(Date.now() + 2_000).toISOString();
    const sleeper = await makeJob({ at: due });
    const expired = await makeJob({ at: due }, { catchup_window: "1s" });
    const punctual = await makeJob({ every: "2s" }, { catchup_window: "0s" });
    await reveille.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(callsOf(sleeper.id)).toHaveLength(0);
    reveille = await startReveille({ dataDir, port: reveille.port, env });
    await eventually("the sleeper is called", () => callsOf(sleeper.id)[0]);
    expect(await eventually("the expired one is logged", async () => (await runsOf(expired.id))[0])).toMatchObject({
      status: "skipped",
    });
    expect(callsOf(expired.id)).toHaveLength(0);
    // Two fires or more came due, so none of them runs, even if the latest was shortly before the restart.
    const skipped = await eventually("the skip of what was missed", async () =>
      (await runsOf(punctual.id)).find((run) => run.status === "skipped"),
    );
    expect(skipped.missed).toBeGreaterThan(0);
    expect(skipped.error).toContain(`${(skipped.missed ?? 0) + 1} fires`);
    const anchor = Date.parse(ticking.next_run_at ?? "");
    const after = callsOf(ticking.id).length;
    await eventually("the ticking one goes on", () => callsOf(ticking.id).length > after + 1);
    for (const run of await runsOf(ticking.id)) expect((Date.parse(run.scheduled_at) - anchor) % 2_000).toBe(0);
  });
});
