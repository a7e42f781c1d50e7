/** Tables of a job that an earlier version of the code has made: what stands in them is not lost. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { JobStore } from "../../../../durable-objects/job/store.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { type Cursor, type JobRecord, newJob } from "../../../../src/domain/job/job.ts";
import {
  beginAttempt,
  completeRun,
  progressRun,
  type Run,
  settleAttempt,
  startRun,
} from "../../../../src/domain/run/run.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { env as bindings } from "../../bindings.ts";

const T0 = Date.UTC(2026, 10, 23);
const RULES = {
  retry: { maxAttempts: 3, minBackoffMs: 5_000, maxBackoffMs: 60_000 },
  completionTimeoutMs: 60_000,
  claimTimeoutMs: 60_000,
};

const VERSION_1 = [
  `CREATE TABLE job (one INTEGER PRIMARY KEY CHECK (one = 1), schema_version INTEGER NOT NULL, id TEXT NOT NULL, definition TEXT NOT NULL,
     version INTEGER NOT NULL, indexed_version INTEGER NOT NULL, indexed_owner TEXT NOT NULL, created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL, anchor_at INTEGER NOT NULL, finished_at INTEGER, deleted_at INTEGER, paused_reason TEXT, buffered TEXT,
     backfills TEXT NOT NULL, backfill_count INTEGER NOT NULL, idle_wakes TEXT, origin TEXT, idempotency_hash TEXT, rev INTEGER NOT NULL,
     cursor TEXT NOT NULL)`,
  `CREATE TABLE run (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL, session_id TEXT NOT NULL, user_id TEXT,
     run_trigger TEXT NOT NULL, status TEXT NOT NULL, phase TEXT NOT NULL, due_at INTEGER NOT NULL, started_at INTEGER NOT NULL,
     finished_at INTEGER, attempt INTEGER NOT NULL, wake_at INTEGER, error TEXT, http_status INTEGER, output TEXT,
     output_truncated INTEGER, progress TEXT, missed INTEGER, rev INTEGER NOT NULL, cursor TEXT NOT NULL)`,
];

const defined = defineJob(
  JobInput.parse({
    ...{ name: 'it\'s "quoted"', message: "m", schedule: { every: "1m" }, user_id: "42", labels: { team: "ops" } },
    payload: { nothing: null, deep: { nothing: null, list: [1, null] }, large: 9_007_199_254_740_991 },
  }),
);
if (!defined.ok) throw new Error(JSON.stringify(defined.error));
const { record: made, cursor: first } = newJob("j", defined.value, T0, { origin: "https://reveille.example.com" });
const bare: JobRecord = made;
const full: JobRecord = {
  ...made,
  ...{ version: 7, finishedAt: T0 + 1, deletedAt: T0 + 2, pausedReason: "gone", idempotencyHash: "abc" },
  ...{ buffered: { dueAt: T0 + 60_000, missed: 2 }, backfills: [{ no: 1, due: [T0, T0 + 60_000] }], backfillCount: 1 },
  idleWakes: { since: T0, count: 3 } as unknown as NonNullable<JobRecord["idleWakes"]>,
};

const begun = (seq: number): Run =>
  beginAttempt(
    startRun({ id: `r${seq}`, seq, sessionId: "s", userId: "42", trigger: "schedule", dueAt: seq, missed: 4 }, seq),
  );
const waiting = settleAttempt(begun(2), { kind: "accepted", httpStatus: 202 }, RULES, T0, 0);
const runs: readonly Run[] = [
  completeRun(begun(1), { status: "success", output: "x".repeat(20_000) }, 9),
  progressRun(waiting, { percent: 40, message: "half way" }, RULES, T0),
  settleAttempt(begun(3), { kind: "retryable", reason: "it's busy", httpStatus: 503 }, RULES, T0, 0),
];
const last: Cursor = { ...first, rev: 4, lastSeq: 3, runCount: 1, lastStatus: "success", lastError: 'no "quotes"' };

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

function writeVersion1(sql: SqlStorage, record: JobRecord): void {
  for (const statement of VERSION_1) sql.exec(statement);
  sql.exec(
    `INSERT INTO job VALUES (1, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[record.id, json(record.definition), record.version, record.indexedVersion, record.indexedOwner],
    ...[record.createdAt, record.updatedAt, record.anchorAt, record.finishedAt ?? null, record.deletedAt ?? null],
    ...[record.pausedReason ?? null, json(record.buffered), json(record.backfills), record.backfillCount],
    ...[json(record.idleWakes), record.origin ?? null, record.idempotencyHash ?? null, first.rev, json(first)],
  );
  for (const [slot, run] of runs.entries()) {
    const cursor = run === runs.at(-1) ? last : { ...first, rev: slot + 2 };
    sql.exec(
      `INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[slot, run.seq, run.id, run.sessionId, run.userId ?? null, run.trigger, run.status, run.phase, run.dueAt],
      ...[run.startedAt, run.finishedAt ?? null, run.attempt, run.wakeAt ?? null, run.error ?? null],
      ...[run.httpStatus ?? null, run.output ?? null, run.outputTruncated ? 1 : null, json(run.progress)],
      ...[run.missed ?? null, cursor.rev, json(cursor)],
    );
  }
}

it.each([
  ["that has had nothing but runs", "bare", bare],
  ["with everything that a job can have", "full", full],
])("version 1 had a table for the job and one for its runs: a job %s is found again", async (_what, name, record) => {
  await runInDurableObject(bindings.JOB.getByName(`job-schema-${name}`), (_instance, { storage: { sql } }) => {
    writeVersion1(sql, record);
    const store = new JobStore(sql, 4);
    const expected = { record, cursor: last, active: runs.slice(1), hasFannedOut: false };
    expect(store.load()).toEqual(expected);
    expect(store.runs({ limit: 10 })).toEqual(runs.toReversed());
    expect(store.runs({ limit: 10, userId: "42", status: "success" })).toEqual([runs[0]]);
    // The log goes on in its slots: one more has room, the next takes the place of the oldest that has ended.
    store.record({ runs: [begun(4)], cursor: { ...last, rev: 5 } });
    store.record({ runs: [begun(5)], cursor: { ...last, rev: 6 } });
    expect(store.runs({ limit: 10 }).map(({ id }) => id)).toEqual(["r5", "r4", "r3", "r2"]);
    expect(new JobStore(sql, 4).load()?.cursor).toEqual({ ...last, rev: 6 });
    const tables = [...sql.exec("SELECT name FROM sqlite_master WHERE name IN ('job', 'run', 'entry')")];
    expect(tables).toEqual([{ name: "entry" }]);
  });
});

it("what cannot be brought over is left as it was, and tried again", async () => {
  await runInDurableObject(bindings.JOB.getByName("job-schema-damaged"), (_instance, { storage: { sql } }) => {
    writeVersion1(sql, bare);
    sql.exec("UPDATE run SET progress = 'damaged' WHERE slot = 1");
    for (let time = 0; time < 2; time++) expect(() => new JobStore(sql, 4).load()).toThrow("malformed JSON");
    sql.exec("UPDATE run SET progress = ? WHERE slot = 1", json(runs[1]?.progress));
    expect(new JobStore(sql, 4).load()).toEqual({
      record: bare,
      cursor: last,
      active: runs.slice(1),
      hasFannedOut: false,
    });
  });
});
