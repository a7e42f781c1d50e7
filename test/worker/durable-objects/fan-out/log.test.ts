/** A shard's log and its queue of users, on real SQLite: how long runs stay in memory, and which users are run. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { FanOutLog } from "../../../../durable-objects/fan-out/log.ts";
import type { FanOutObject } from "../../../../durable-objects/fan-out/object.ts";
import { FanOutQueue } from "../../../../durable-objects/fan-out/queue.ts";
import { FanOutStore } from "../../../../durable-objects/fan-out/store.ts";
import { type FanOutSpec, startUserRun } from "../../../../src/domain/fan-out/user-run.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { beginAttempt, completeRun, type Run, settleAttempt } from "../../../../src/domain/run/run.ts";
import { userKey } from "../../../../src/domain/run/run-id.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { bindings } from "../../fan-out-fixture.ts";

const T0 = Date.UTC(2026, 10, 23);
const RULES = {
  retry: { maxAttempts: 3, minBackoffMs: 5_000, maxBackoffMs: 60_000 },
  completionTimeoutMs: 60_000,
  claimTimeoutMs: 60_000,
};
let made = 0;

const defined = defineJob(
  JobInput.parse({ name: "n", message: "m", exec_scope: "all_users", schedule: { every: "1h" } }),
);
if (!defined.ok) throw new Error(JSON.stringify(defined.error));
const spec: FanOutSpec = {
  number: 1,
  id: "j-f1",
  jobId: "j",
  trigger: "schedule",
  dueAt: T0,
  startedAt: T0,
  definition: defined.value.definition,
  shards: 1,
};

const begun = (user: string): Run => beginAttempt(startUserRun(spec, user, userKey(user), T0));
const ended = (user: string): Run => completeRun(begun(user), { status: "success" }, T0);
const waiting = (user: string): Run => settleAttempt(begun(user), { kind: "accepted", httpStatus: 202 }, RULES, T0, 0);

/** A log on its own tables. `stored` is a user's run as a restart would find it. */
async function withShard(
  act: (shard: {
    log: FanOutLog;
    queue: FanOutQueue;
    store: FanOutStore;
    stored(user: string): Run | undefined;
  }) => void,
) {
  await runInDurableObject(bindings.FAN_OUT.getByName(`fan-out-log-${made++}`), (_instance, { storage }) => {
    const store = new FanOutStore(storage.sql);
    store.open(spec, 0);
    const [log, queue] = [new FanOutLog(store, spec), new FanOutQueue(store, spec.number)];
    act({ log, queue, store, stored: (user) => store.run(spec, userKey(user)) });
  });
}

it("keeps ended runs in memory for a quarter of a second from the first one on, counted meanwhile", async () => {
  await withShard(({ log, stored }) => {
    log.put(ended("ann"), undefined, T0);
    log.put(ended("bob"), undefined, T0 + 60);
    expect([stored("ann"), stored("bob")]).toEqual([undefined, undefined]);
    expect(log.tally).toMatchObject({ total: 2, succeeded: 2, active: 0 });
    expect(log.writeAt).toBe(T0 + 250);
    log.write();
    expect([stored("ann"), stored("bob")]).toMatchObject([{ userId: "ann" }, { userId: "bob" }]);
    expect(log.writeAt).toBe(Number.POSITIVE_INFINITY);
    expect(log.tally).toMatchObject({ total: 2, succeeded: 2, active: 0 });
  });
});

it("writes a run before it shows it", async () => {
  await withShard(({ log, stored }) => {
    log.put(ended("ann"), undefined, T0);
    expect(log.find(userKey("ann"))).toMatchObject({ userId: "ann", status: "success" });
    expect(stored("ann")).toMatchObject({ userId: "ann", status: "success" });
  });
});

it("writes fifty ended runs without waiting any longer", async () => {
  await withShard(({ log, store }) => {
    for (let n = 1; n < 50; n++) log.put(ended(`user-${n}`), undefined, T0);
    expect(store.counts(1).total).toBe(0);
    log.put(ended("user-50"), undefined, T0);
    expect(store.counts(1).total).toBe(50);
  });
});

it("writes at once a run that continues, and the end of a written run, since timers are read from the table", async () => {
  await withShard(({ log, stored }) => {
    log.put(waiting("ann"), undefined, T0);
    expect(stored("ann")).toMatchObject({ phase: "waiting" });
    expect(log.tally).toMatchObject({ total: 1, active: 1 });
    log.put(ended("ann"), waiting("ann"), T0);
    expect(stored("ann")).toMatchObject({ phase: "ended" });
    expect(log.tally).toMatchObject({ total: 1, succeeded: 1, active: 0 });
  });
});

it("writes each run at once if restarts have lost some before", async () => {
  await withShard(({ log, stored }) => {
    log.writeThrough();
    log.put(ended("ann"), undefined, T0);
    expect(stored("ann")).toBeDefined();
  });
});

it("runs each user once, even if named twice in a batch, in two open batches, or with a run already", async () => {
  await withShard(({ log, queue, store }) => {
    log.put(ended("ann"), undefined, T0);
    log.write();
    for (const users of [["ann", "bob", "bob"], ["ann"], ["bob", "dan", "eve"]]) store.addBatch(1, users);
    expect(queue.size).toBe(7);
    const first = queue.next();
    const others = [queue.next(), queue.next()];
    expect([first, ...others].map((taken) => taken?.user.userId)).toEqual(["bob", "dan", "eve"]);
    expect(queue.next()).toBeUndefined();
    expect(queue.size).toBe(0);
  });
});

it("keeps a batch until its last user is finished, so that a restart finds the others", async () => {
  await withShard(({ log, queue, store }) => {
    store.addBatch(1, ["ann", "bob"]);
    const [ann, bob] = [queue.next(), queue.next()];
    if (ann === undefined || bob === undefined) throw new Error("two users wait");
    expect(queue.ended(bob.batch)).toBe(false);
    log.put(ended("bob"), undefined, T0);
    log.write();

    const restarted = new FanOutQueue(store, 1);
    expect(restarted.size).toBe(2);
    expect(restarted.next()?.user.userId).toBe("ann");
    expect(restarted.next()).toBeUndefined();

    expect(queue.ended(ann.batch)).toBe(true);
    queue.drop(ann.batch);
    expect(new FanOutQueue(store, 1).size).toBe(0);
  });
});

it("a report that arrives while its fan-out is dropped, or its job deleted, finds no run", async () => {
  for (const drop of ["forget", "erase"] as const) {
    const stub = bindings.FAN_OUT.getByName(`fan-out-log-${made++}`);
    await runInDurableObject(stub, async (shard: FanOutObject, { storage }) => {
      const store = new FanOutStore(storage.sql);
      store.open(spec, 0);
      store.putRuns(spec.number, [waiting("ann")]);
      const change = { kind: "complete", body: { status: "success" } } as const;
      const [changed] = await Promise.all([
        shard.changeRun(spec.number, userKey("ann"), change),
        shard[drop](spec.number),
      ]);
      expect(changed).toMatchObject({ ok: false, error: { kind: "not_found" } });
    });
  }
});
