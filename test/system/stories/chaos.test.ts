/**
 * Jobs at one and two seconds, an agent that misbehaves in every way, kills at random moments (100 and 10 in the long run). Afterwards the
 * agent's own record is compared with the run logs: nothing is lost, nothing is logged twice, and every call belongs to a run.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { bySize } from "../../size.ts";
import {
  type AgentCall,
  type Answer,
  atEnd,
  eventually,
  type Reveille,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../harness/index.ts";

const JOBS = bySize(40, 100);
const KILLS = bySize(3, 10);

type Run = {
  id: string;
  status: string;
  trigger: string;
  scheduled_at: string;
  started_at: string;
  missed?: number;
  attempt: number;
  error?: string;
};
type JobView = { id: string; created_at: string; run_count: number };

/** The same random numbers in every run of the test, so that a failure can be repeated (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = seeded(20_261_123);

/** Answers mostly well, but sometimes slowly, with a failure, broken off, busy, or with a 202 that is never completed. */
function misbehave(): Answer {
  const dice = random();
  if (dice < 0.6) return { body: { ok: true } };
  if (dice < 0.7) return { delayMs: 200 + random() * 1_000 };
  if (dice < 0.78) return { status: 503 };
  if (dice < 0.84) return { instead: "reset" };
  if (dice < 0.88) return { status: 429, headers: { "retry-after": "1" } };
  if (dice < 0.92) return { status: 404 };
  if (dice < 0.96) return { instead: "hang" };
  return { status: 202 };
}

async function allRuns(reveille: Reveille, jobId: string): Promise<Run[]> {
  const runs: Run[] = [];
  let cursor = "";
  do {
    const response = await reveille.api(`/v1/jobs/${jobId}/runs?limit=100${cursor}`);
    const page = (await response.json()) as { items: Run[]; next_cursor?: string };
    runs.push(...page.items);
    cursor = page.next_cursor === undefined ? "" : `&cursor=${page.next_cursor}`;
  } while (cursor !== "");
  return runs;
}

describe("after kills under a misbehaving agent", () => {
  const everyMs = new Map<string, number>();
  const jobs = new Map<string, JobView>();
  const logs = new Map<string, Run[]>();
  let calls: readonly AgentCall[] = [];

  beforeAll(async () => {
    const agent = await startAgent(misbehave);
    atEnd(() => agent.stop());
    const dataDir = await temporaryFolder();
    const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret, RUN_RETENTION: "1000" };
    let reveille = await startReveille({ dataDir, env });
    const policies = ["skip", "buffer_one", "cancel_other", "allow_all"];
    for (let i = 0; i < JOBS; i++) {
      const every = i % 2 === 0 ? "1s" : "2s";
      const response = await reveille.api("/v1/jobs", {
        method: "POST",
        json: {
          name: `chaos ${i}`,
          message: "go",
          user_id: `u${i % 7}`,
          schedule: { every },
          overlap: policies[i % policies.length],
          timeout: "2s",
          completion_timeout: "3s",
          retry: { max_attempts: 2, min_backoff: "1s", max_backoff: "1s" },
        },
      });
      expect(response.status).toBe(201);
      const job = (await response.json()) as JobView;
      everyMs.set(job.id, every === "1s" ? 1_000 : 2_000);
    }
    for (let kill = 0; kill < KILLS; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 500 + random() * 2_000));
      await reveille.kill("SIGKILL");
      reveille = await startReveille({ dataDir, port: reveille.port, env });
    }
    for (const id of everyMs.keys()) {
      expect((await reveille.api(`/v1/jobs/${id}/pause`, { method: "POST" })).status).toBe(200);
    }
    await eventually(
      "every run has ended",
      async () => {
        for (const id of everyMs.keys()) {
          const response = await reveille.api(`/v1/jobs/${id}/runs?status=running`);
          if (((await response.json()) as { items: Run[] }).items.length > 0) return false;
        }
        return true;
      },
      30_000,
    );
    for (const id of everyMs.keys()) {
      jobs.set(id, (await (await reveille.api(`/v1/jobs/${id}`)).json()) as JobView);
      logs.set(id, await allRuns(reveille, id));
    }
    calls = [...agent.calls];
    await reveille.stop();
  }, 180_000);

  it("each due time of the schedule has exactly one run or skip, or is counted in one", () => {
    for (const [id, runs] of logs) {
      const step = everyMs.get(id) ?? 0;
      const anchor = Date.parse(jobs.get(id)?.created_at ?? "");
      const due = runs.map((run) => Date.parse(run.scheduled_at)).sort((a, b) => a - b);
      expect(new Set(due).size).toBe(due.length);
      for (const at of due) expect((at - anchor) % step).toBe(0);
      const last = due.at(-1) ?? anchor;
      const accounted = runs.reduce((sum, run) => sum + 1 + (run.missed ?? 0), 0);
      expect(accounted).toBe((last - anchor) / step);
    }
  });

  it("no run id is logged twice, and the count of ended runs is the log's", () => {
    for (const [id, runs] of logs) {
      expect(new Set(runs.map((run) => run.id)).size).toBe(runs.length);
      expect(jobs.get(id)?.run_count).toBe(runs.filter((run) => run.status !== "skipped").length);
    }
  });

  it("every call the agent got is signed and belongs to a logged run that was not skipped", () => {
    const logged = new Map([...logs.values()].flat().map((run) => [run.id, run]));
    for (const call of calls) {
      expect(call.signed).toBe(true);
      const run = logged.get(String(call.headers["webhook-id"]));
      expect(run).toBeDefined();
      expect(run?.status).not.toBe("skipped");
    }
  });

  it("every successful run was really called, and no run was called more often than its attempts", () => {
    const counts = new Map<string, number>();
    for (const call of calls) {
      const id = String(call.headers["webhook-id"]);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const run of [...logs.values()].flat()) {
      if (run.status === "success") expect(counts.get(run.id)).toBeGreaterThan(0);
      expect(counts.get(run.id) ?? 0).toBeLessThanOrEqual(2);
    }
  });

  it("the kills did interrupt calls, and the agent did misbehave, so that the test is valid", () => {
    const errors = new Set([...logs.values()].flat().map((run) => run.error?.split(":")[0]));
    expect(calls.length).toBeGreaterThan(JOBS * 2);
    expect([...errors].some((error) => error?.includes("timed out"))).toBe(true);
    expect([...logs.values()].flat().some((run) => run.missed)).toBe(true);
  });
});
