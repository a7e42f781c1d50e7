/** The run log on real SQLite: the runs that it keeps if runs last long and if RUN_RETENTION changes. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { JobStore } from "../../../../durable-objects/job/store.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { beginAttempt, completeRun, type Run, skipRun, startRun } from "../../../../src/domain/run/run.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { env as bindings } from "../../bindings.ts";

const RETENTION = 5;
let made = 0;

const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1m" } }));
if (!defined.ok) throw new Error(JSON.stringify(defined.error));
const { record, cursor } = newJob("j", defined.value, 0);

const begun = (seq: number): Run =>
  beginAttempt(startRun({ id: `r${seq}`, seq, sessionId: "s", trigger: "schedule", dueAt: seq }, seq));
const ended = (seq: number): Run => completeRun(begun(seq), { status: "success" }, seq);

type Log = {
  /** The object wakes with this retention. */
  open(retention: number): void;
  /** In one write. */
  put(...runs: Run[]): void;
  /** The runs in the log, newest first. */
  kept(): number[];
};

/** A log on its own tables. */
async function withLog(act: (log: Log) => void) {
  const stub = bindings.JOB.getByName(`job-store-${made++}`);
  await runInDurableObject(stub, (_instance, { storage }) => {
    let store = new JobStore(storage.sql, RETENTION);
    store.create(record, cursor);
    let rev = cursor.rev;
    act({
      open: (retention) => {
        store = new JobStore(storage.sql, retention);
        store.load();
      },
      put: (...runs) => store.record({ runs, cursor: { ...cursor, rev: ++rev, lastSeq: runs.at(-1)?.seq ?? 0 } }),
      kept: () => store.runs({ limit: 1_000 }).map(({ seq }) => seq),
    });
  });
}

it("keeps the newest runs beside a run that lasts longer than the log", async () => {
  await withLog(({ put, kept }) => {
    put(begun(1));
    for (let seq = 2; seq <= 20; seq++) {
      put(ended(seq));
      const others = Array.from({ length: Math.min(seq - 1, RETENTION - 1) }, (_, i) => seq - i);
      expect(kept()).toEqual([...others, 1]);
    }
    put(ended(1));
    put(ended(21));
    expect(kept()).toEqual([21, 20, 19, 18, 17]);
  });
});

it("keeps every active run, and returns to its size when they have ended", async () => {
  await withLog(({ put, kept }) => {
    for (let seq = 1; seq <= 2 * RETENTION; seq++) put(begun(seq));
    expect(kept()).toHaveLength(2 * RETENTION);
    for (let seq = 1; seq <= 2 * RETENTION; seq++) put(ended(seq));
    put(ended(11));
    expect(kept()).toEqual([11, 10, 9, 8, 7]);
  });
});

it("drops the oldest runs when RUN_RETENTION was lowered, and none before its time when it was raised", async () => {
  await withLog(({ open, put, kept }) => {
    for (let seq = 1; seq <= 13; seq++) put(ended(seq));
    open(3);
    put(ended(14));
    expect(kept()).toEqual([14, 13, 12]);
    open(4);
    for (let seq = 15; seq <= 18; seq++) put(ended(seq));
    expect(kept()).toEqual([18, 17, 16, 15]);
    open(6);
    put(ended(19));
    put(ended(20));
    expect(kept()).toEqual([20, 19, 18, 17, 16, 15]);
  });
});

it("gives each of several runs in one write its own slot, also across a restart and in a full log", async () => {
  for (const restarts of [false, true]) {
    await withLog(({ open, put, kept }) => {
      const restart = () => (restarts ? open(RETENTION) : undefined);
      put(begun(1), begun(2));
      restart();
      put(begun(3), ended(1));
      restart();
      put(ended(2), ended(3), begun(4), ended(5), begun(6));
      expect(kept()).toEqual([6, 5, 4, 3, 2]);
      restart();
      put(begun(7), begun(8));
      expect(kept()).toEqual([8, 7, 6, 5, 4]);
      restart();
      put(begun(9), begun(10));
      expect(kept()).toEqual([10, 9, 8, 7, 6, 4]);
      restart();
      for (const seq of [4, 6, 7, 8, 9, 10]) put(ended(seq));
      put(ended(11), ended(12));
      expect(kept()).toEqual([12, 11, 10, 9, 8]);
    });
  }
});

it("rewrites a skip that counts further held fires in place, also after the object has slept", async () => {
  await withLog(({ open, put, kept }) => {
    const held = (count: number): Run => ({ ...skipRun(begun(2), "held", 2), count, lastDueAt: 1 + count });
    put(ended(1));
    put(held(1));
    put(held(2));
    open(RETENTION);
    put(held(3));
    expect(kept()).toEqual([2, 1]);
    put(ended(3));
    expect(kept()).toEqual([3, 2, 1]);
  });
});

it("reads a waiting backfill that an earlier version stored", async () => {
  const stub = bindings.JOB.getByName(`job-store-${made++}`);
  await runInDurableObject(stub, (_instance, { storage }) => {
    new JobStore(storage.sql, RETENTION).create(record, cursor);
    storage.sql.exec(
      `UPDATE entry SET body = json_set(body, '$.backfills', json('[{"no":2,"due":[7]}]')) WHERE slot = 0`,
    );
    expect(new JobStore(storage.sql, RETENTION).load()?.record.backfills).toEqual([{ number: 2, due: [7] }]);
  });
});
