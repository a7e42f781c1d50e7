/** A shard's loop on real SQLite, with the test's answers to its calls. What it reports is what a restart would find. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { FanOutLoop } from "../../../../durable-objects/fan-out/loop.ts";
import { FanOutStore, type StoredFanOut } from "../../../../durable-objects/fan-out/store.ts";
import type { FanOutSpec } from "../../../../src/domain/fan-out/user-run.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { userKey } from "../../../../src/domain/run/run-id.ts";
import { CallBudget } from "../../../../src/outbound/call-budget.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { bindings, usersNamed } from "../../fan-out-fixture.ts";

const T0 = Date.UTC(2026, 10, 23);
const ALARM_LIMIT_MS = 10 * 60_000 + 1;
let made = 0;

const defined = defineJob(
  JobInput.parse({
    ...{ name: "n", message: "m", exec_scope: "all_users", schedule: { every: "1h" } },
    fan_out: { concurrency: 10 },
    timeout: "10m",
  }),
);
if (!defined.ok) throw new Error(JSON.stringify(defined.error));
const { definition } = defined.value;
const fanOut = (number: number): FanOutSpec => ({
  ...{ number, id: `j-f${number}`, jobId: "j", trigger: "schedule", dueAt: T0, startedAt: T0, definition, shards: 1 },
});

type Shard = {
  readonly loop: FanOutLoop;
  readonly store: FanOutStore;
  readonly fanOut: StoredFanOut;
  /** Hands the shard these users of its fan-out. */
  feed(users: readonly string[]): void;
  /** The agent answers the call of this user with 200. */
  answer(user: string): Promise<void>;
  /** The end of the user's run that a restart would find. */
  stored(user: string): string | undefined;
  /** The alarm's time is over; the next one has not rung. */
  endAlarm(): Promise<void>;
  readonly reports: number[];
};

/** A shard on tables of its own, running while `act` does; its clock stands still otherwise. */
async function withShard(act: (shard: Shard) => Promise<void>) {
  await runInDurableObject(bindings.FAN_OUT.getByName(`fan-out-loop-${made++}`), async (_instance, { storage }) => {
    const store = new FanOutStore(storage.sql);
    store.open(fanOut(1), 0);
    const calls = new Map<string, (answer: AttemptOutcome) => void>();
    const reports: number[] = [];
    let now = T0;
    const loop = new FanOutLoop(store, {
      now: () => now,
      ended: () => undefined,
      random: () => 0,
      held: () => undefined,
      call: (_job, _spec, run) => new Promise((resolve) => calls.set(run.userId ?? "", resolve)),
      report: async ({ number }) => void reports.push(store.counts(number).total),
      budget: () => new CallBudget(40),
      alarm: { set: () => {}, by: () => {} },
    });
    loop.reload({ isNew: true });
    const stored = store.find(1);
    if (stored === undefined) throw new Error("the fan-out is open");
    const running = () => new Promise((resolve) => setTimeout(resolve, 5));
    let run: Promise<void> | undefined;
    await act({
      ...{ loop, store, reports, fanOut: stored },
      async endAlarm() {
        now += ALARM_LIMIT_MS;
        loop.wake();
        await run;
      },
      feed(users) {
        store.addBatch(1, users);
        loop.added(users.length);
        run ??= loop.run();
      },
      async answer(user) {
        calls.get(user)?.({ kind: "success", httpStatus: 200 });
        await running();
      },
      stored: (user) => store.run(fanOut(1), userKey(user))?.status,
    });
    loop.stop();
    await run;
  });
}

it("a run that is shown as ended is written, even if others of its batch are still running", async () => {
  await withShard(async ({ loop, feed, answer, stored }) => {
    feed(["ann", "bob"]);
    await answer("ann");
    expect(stored("ann")).toBeUndefined();
    expect(loop.work.current?.find(userKey("ann"))?.status).toBe("success");
    expect(stored("ann")).toBe("success");
    expect(stored("bob")).toBeUndefined();
  });
});

it("reported counts are those of the table", async () => {
  await withShard(async ({ loop, store, feed, answer }) => {
    feed(["ann", "bob", "eve"]);
    await answer("ann");
    expect(loop.work.current?.status()).toMatchObject({ idle: false, counts: { total: 3, succeeded: 1 } });
    expect(store.counts(1)).toMatchObject({ total: 1, succeeded: 1 });
  });
});

it("reports that it is idle once, when everything is written", async () => {
  await withShard(async ({ feed, answer, reports }) => {
    feed(["ann", "bob"]);
    await answer("ann");
    await answer("bob");
    expect(reports).toEqual([2]);
  });
});

it("writes at once between two alarms, when nothing holds the object in memory", async () => {
  await withShard(async ({ feed, answer, stored, endAlarm }) => {
    feed(["ann", "bob"]);
    await endAlarm();
    await answer("ann");
    expect([stored("ann"), stored("bob")]).toEqual(["success", undefined]);
  });
});

it("results in memory are dropped with a forgotten fan-out, and do not go into another one", async () => {
  await withShard(async ({ loop, store, feed, answer }) => {
    feed(["ann", "bob"]);
    await answer("ann");
    store.forget(1);
    loop.reload();
    store.open(fanOut(2), 0);
    loop.reload({ isNew: true });
    await answer("bob");
    loop.work.write();
    expect(loop.work.current?.status()).toMatchObject({ counts: { total: 0 } });
    expect(store.counts(2).total).toBe(0);
  });
});

describe("the calls of one invocation", () => {
  /** A platform that allows `limit` calls an alarm, and refuses each further one at once. */
  async function runAll(users: number, limit: number, callsPerWake: number) {
    const stub = bindings.FAN_OUT.getByName(`fan-out-loop-${made++}`);
    return runInDurableObject(stub, async (_instance, { storage }) => {
      const store = new FanOutStore(storage.sql);
      store.open(fanOut(1), 0);
      let [made, alarmAt, wakes] = [0, Number.POSITIVE_INFINITY, 0];
      const refusal: AttemptOutcome = { kind: "postponed" };
      const loop = new FanOutLoop(store, {
        now: () => Date.now(),
        ended: () => undefined,
        random: () => 0,
        held: () => undefined,
        call: async () => (++made > limit ? refusal : { kind: "success", httpStatus: 200 }),
        budget: () => new CallBudget(callsPerWake),
        report: async () => {},
        alarm: {
          set: (at) => (alarmAt = at ?? Number.POSITIVE_INFINITY),
          by: (at) => (alarmAt = Math.min(alarmAt, at)),
        },
      });
      loop.reload({ isNew: true });
      store.addBatch(1, usersNamed("user", users));
      loop.added(users);
      while (Number.isFinite(alarmAt) && wakes < 1_000) {
        const waitMs = Math.max(0, alarmAt - Date.now());
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        [made, alarmAt] = [0, Number.POSITIVE_INFINITY];
        await loop.run();
        wakes++;
      }
      return { counts: store.counts(1), wakes };
    });
  }

  it("are counted, so that 300 users in one shard are run, 40 in each wake, and none fails", async () => {
    const { counts, wakes } = await runAll(300, 40, 40);
    expect(counts).toMatchObject({ total: 300, succeeded: 300, failed: 0 });
    expect(wakes).toBeGreaterThanOrEqual(8);
    expect(wakes).toBeLessThan(12);
  });

  it("that the platform refuses are made in the next one, and do not count as attempts", async () => {
    const { counts } = await runAll(300, 40, 1_000);
    expect(counts).toMatchObject({ total: 300, succeeded: 300, failed: 0 });
  });
});
