/**
 * The Job object and its store under random histories in real workerd: time passing, evictions (a restart: memory lost,
 * storage kept) between any two steps, every kind of answer, and calls of the API. The invariants are checked after
 * each step, from outside.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Outcome } from "../../../src/domain/failure.ts";
import { ADMIN } from "../../../src/domain/job/access.ts";
import { defineJob } from "../../../src/domain/job/definition.ts";
import { newJob } from "../../../src/domain/job/job.ts";
import { jobObject } from "../../../src/objects/job.ts";
import { JobInput } from "../../../src/schema/job.ts";
import type { Run } from "../../../src/schema/run.ts";
import { env as bindings } from "../bindings.ts";

let made = 0;

/** Answers that end a run, leave it waiting, cause another attempt, or pause the job. */
const SCRIPTS = ["{}", '{"status": 404}', '{"status": 202}', '{"status": 503}', '{"status": 410}'];

type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "evict" | "pause" | "resume" | "run now" | "cancel" | "complete" | "faster" | "slower" }
  | { readonly do: "agent"; readonly script: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1_000, max: 200_000 }).map((ms): Step => ({ do: "wait", ms })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "evict" }) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom("pause", "resume", "resume", "run now", "cancel", "complete", "faster", "slower")
      .map((what): Step => ({ do: what as "pause" })),
  },
  { weight: 3, arbitrary: fc.constantFrom(...SCRIPTS).map((script): Step => ({ do: "agent", script })) },
);

async function value<T>(outcome: Promise<Outcome<T>>): Promise<T> {
  const answer = await outcome;
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

class World {
  readonly id = `model-${made++}`;
  readonly stub = bindings.JOB.getByName(this.id);
  readonly api = jobObject(bindings, this.id);
  /** The last seen form of every run. */
  readonly seen = new Map<string, Run>();

  async make(overlap: string): Promise<void> {
    const fields = { name: "n", message: "{}", schedule: { every: "1m" }, overlap, completion_timeout: "90s" };
    const defined = defineJob(JobInput.parse({ ...fields, retry: { max_attempts: 2, min_backoff: "10s" } }));
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    const now = Date.now();
    const place = { reservedAt: now, repeated: false };
    await value(this.api.create({ ...newJob(this.id, defined.value, now), place }));
  }

  async take(next: Step): Promise<void> {
    const active = [...this.seen.values()].find((run) => run.status === "running");
    switch (next.do) {
      case "wait":
        return this.wait(next.ms);
      case "evict":
        return evictDurableObject(this.stub);
      case "pause":
      case "resume":
        await value(this.api.setEnabled(ADMIN, next.do === "resume"));
        return;
      case "run now":
        await this.api.runNow(ADMIN);
        return;
      case "cancel":
        if (active !== undefined) await this.api.cancelRun(ADMIN, active.id);
        return;
      case "complete":
        if (active !== undefined) await this.api.completeRun(ADMIN, active.id, { status: "success" });
        return;
      case "faster":
      case "slower":
        await value(this.api.patch(ADMIN, { schedule: { every: next.do === "faster" ? "45s" : "1m" } }));
        return;
      case "agent":
        await value(this.api.patch(ADMIN, { message: next.script }));
    }
  }

  /** Lets time pass. Every alarm on the way runs when it is due, and only then. */
  async wait(ms: number): Promise<void> {
    const until = Date.now() + ms;
    for (;;) {
      const at = await runInDurableObject(this.stub, (_job, state) => state.storage.getAlarm());
      if (at === null || at > until) break;
      vi.setSystemTime(Math.max(at, Date.now()));
      await runDurableObjectAlarm(this.stub);
    }
    vi.setSystemTime(until);
  }

  async check(): Promise<void> {
    const job = await value(this.api.read(ADMIN));
    const { items } = await value(this.api.runs(ADMIN, { limit: 100 }));
    for (const run of items) this.seen.set(run.id, run);
    const armed = await runInDurableObject(this.stub, (_job, state) => state.storage.getAlarm());
    const running = items.filter((run) => run.status === "running");
    if (job.state === "active" || running.length > 0) expect(armed).not.toBeNull();
    if (job.state === "active") expect(Date.parse(job.next_run_at ?? "")).toBeGreaterThan(Date.now() - 1_000);
    if (job.state === "paused") expect(job.next_run_at).toBeUndefined();
    const ended = [...this.seen.values()].filter((run) => run.status === "success" || run.status === "error");
    expect(job.run_count).toBe(ended.length);
    // No due time has two runs.
    const due = [...this.seen.values()].filter((run) => run.trigger === "schedule").map((run) => run.scheduled_at);
    expect(new Set(due).size).toBe(due.length);
    // A restart loses no queued run.
    await evictDurableObject(this.stub);
    expect(await value(this.api.read(ADMIN))).toEqual(job);
    expect((await value(this.api.runs(ADMIN, { limit: 100 }))).items).toEqual(items);
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a job under any history, with its object lost at any step", () => {
  it("stays armed, counts right, has one run for each due time, and is unchanged by a restart", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("skip", "buffer_one", "cancel_other", "allow_all"),
        fc.array(step, { minLength: 3, maxLength: 14 }),
        async (overlap, steps) => {
          vi.useFakeTimers({ toFake: ["Date"] });
          const world = new World();
          await world.make(overlap);
          for (const next of steps) {
            await world.take(next);
            await world.check();
          }
          // If the agent is silent and no call comes, every run ends by its own limits.
          await value(world.api.setEnabled(ADMIN, false));
          await world.wait(10 * 60_000);
          const { items } = await value(world.api.runs(ADMIN, { limit: 100 }));
          expect(items.filter((run) => run.status === "running")).toEqual([]);
          vi.useRealTimers();
        },
      ),
      { numRuns: 50 },
    );
  }, 120_000);
});
