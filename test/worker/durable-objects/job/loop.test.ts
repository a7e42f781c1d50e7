/** The loop of a job on a simulated platform: calls that never end, and invocations with a limit of calls. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { JobLoop, type LoopEffects } from "../../../../durable-objects/job/loop.ts";
import { JobState } from "../../../../durable-objects/job/state.ts";
import { ATTEMPT_GRACE_MS } from "../../../../src/agent/attempt.ts";
import { changeByBackfill } from "../../../../src/domain/job/backfill.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { CallBudget } from "../../../../src/outbound/call-budget.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { env } from "../../bindings.ts";

const HOUR_MS = 3_600_000;
let made = 0;

/** A job's state and loop in a separate object, whose alarm the test rings. */
async function withLoop(
  fields: Record<string, unknown>,
  effects: Partial<LoopEffects>,
  test: (state: JobState, loop: JobLoop, alarm: () => number | null) => Promise<void>,
): Promise<void> {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const job = defined.value;
  await runInDurableObject(env.JOB.getByName(`job-loop-${made++}`), async (_instance, { storage }) => {
    let alarm: number | null = null;
    const setAlarm = (at: number | null): void => {
      alarm = at;
    };
    const own = new Proxy(storage, {
      get: (target, key) => {
        if (key === "setAlarm" || key === "deleteAlarm") return (at: number | null = null) => setAlarm(at);
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const state = new JobState(own, 1_000);
    const parts = {
      listing: { index: async () => undefined, remove: async () => undefined },
      fanOuts: { work: async () => undefined, erase: async () => undefined },
    };
    const loop = new JobLoop(state, parts, {
      now: () => Date.now(),
      random: () => 0.5,
      held: () => undefined,
      call: async () => ({ kind: "success" }),
      budget: () => new CallBudget(40),
      report: () => undefined,
      ...effects,
    });
    state.onCommit((change) => loop.wake(change));
    const { record, cursor } = newJob("j", job, Date.now());
    state.create(record, cursor, Date.now());
    await test(state, loop, () => alarm);
  });
}

/** Queues the fires of the last `hours`. */
function backfill(state: JobState, hours: number): void {
  const { current } = state;
  if (current === undefined) throw new Error("There is no job");
  const window = { from: new Date(Date.now() - hours * HOUR_MS).toISOString(), to: new Date().toISOString() };
  const change = changeByBackfill(current, window, Date.now());
  if (!change.ok) throw new Error(JSON.stringify(change.error));
  state.commit(change.value);
}

it.each([
  ["that counts as we do", 40],
  ["that allows fewer calls than we think, and refuses the others", 15],
])("on a platform %s, wakes end in time and no run loses an attempt", { timeout: 60_000 }, async (_name, limit) => {
  let left = 0;
  const call = async (): Promise<AttemptOutcome> => (left-- > 0 ? { kind: "success" } : { kind: "postponed" });
  await withLoop({}, { call }, async (state, loop, alarm) => {
    backfill(state, 100);
    const ends: string[] = [];
    let wakes = 0;
    for (; (alarm() ?? Number.POSITIVE_INFINITY) < Date.now() + 5_000; wakes++) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, (alarm() ?? 0) - Date.now())));
      left = limit;
      await loop.run();
    }
    for (const { status, attempt } of state.store.runs({ limit: 1_000 })) ends.push(`${status} ${attempt}`);
    expect(new Set(ends)).toEqual(new Set(["success 1"]));
    expect(ends.length).toBeGreaterThanOrEqual(99);
    expect(wakes).toBeGreaterThanOrEqual(Math.floor(100 / limit));
  });
});

it("a call that does not end in time is given up, and its run is repeated or ends", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  try {
    const call = () => new Promise<AttemptOutcome>(() => undefined);
    const fields = { timeout: "1s", retry: { max_attempts: 1 } };
    await withLoop(fields, { call }, async (state, loop) => {
      vi.setSystemTime(Date.now() + HOUR_MS + 1);
      const wake = loop.run();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(state.current?.active).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(ATTEMPT_GRACE_MS);
      await wake;
      expect(state.current?.active).toEqual([]);
      expect(state.store.runs({ limit: 1 })).toMatchObject([
        { status: "error", error: "timed out after 1s: the call did not end when its time was over" },
      ]);
    });
  } finally {
    vi.useRealTimers();
  }
});

it("a call that throws is an error of its run, and the loop continues", async () => {
  const call = () => Promise.reject(Object.create(null));
  await withLoop({}, { call }, async (state, loop) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + HOUR_MS + 1);
    try {
      await loop.run();
    } finally {
      vi.useRealTimers();
    }
    expect(state.store.runs({ limit: 1 })).toMatchObject([
      { status: "error", error: "the call could not be made: it threw a value that cannot be read" },
    ]);
  });
});
