/** Tables of a shard that an earlier version of the code has made: what stands in them is not lost. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { FanOutStore } from "../../../../durable-objects/fan-out/store.ts";
import { type FanOutSpec, startUserRun } from "../../../../src/domain/fan-out/user-run.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { beginAttempt, completeRun, progressRun, type Run, settleAttempt } from "../../../../src/domain/run/run.ts";
import { keyOfUserRun, userKey } from "../../../../src/domain/run/run-id.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { bindings } from "../../fan-out-fixture.ts";

const T0 = Date.UTC(2026, 10, 23);
const RULES = {
  retry: { maxAttempts: 3, minBackoffMs: 5_000, maxBackoffMs: 60_000 },
  completionTimeoutMs: 60_000,
  claimTimeoutMs: 60_000,
};

const defined = defineJob(
  JobInput.parse({ name: "n", message: "m", exec_scope: "all_users", schedule: { every: "1h" } }),
);
if (!defined.ok) throw new Error(JSON.stringify(defined.error));
const { definition } = defined.value;
const spec = {
  ...{ no: 1, id: "j-f1", jobId: "j", trigger: "schedule", dueAt: T0, startedAt: T0, definition, shards: 1 },
} satisfies FanOutSpec;

const begun = (user: string): Run => beginAttempt(startUserRun(spec, user, userKey(user), T0));
const waiting = (user: string): Run => settleAttempt(begun(user), { kind: "accepted", httpStatus: 202 }, RULES, T0, 0);
const runs: readonly Run[] = [
  completeRun(begun("ann"), { status: "success", output: "x".repeat(20_000) }, T0 + 5),
  completeRun(begun("bob"), { status: "error", error: 'it\'s "broken"' }, T0 + 6),
  progressRun(waiting("eve"), { percent: 40, message: "half way" }, RULES, T0),
  settleAttempt(begun("dan"), { kind: "retryable", reason: "busy", httpStatus: 503 }, RULES, T0, 0),
];

it("version 1 had a column for all that a run is made of", async () => {
  await runInDurableObject(bindings.FAN_OUT.getByName("fan-out-schema-1"), (_instance, { storage: { sql } }) => {
    sql.exec(`CREATE TABLE fan_out (no INTEGER PRIMARY KEY, schema_version INTEGER NOT NULL, job_id TEXT NOT NULL, k INTEGER NOT NULL,
      spec TEXT NOT NULL, next_call_at REAL NOT NULL, begun_at_logged INTEGER NOT NULL, stalls INTEGER NOT NULL, gone TEXT)`);
    sql.exec(
      "CREATE TABLE batch (seq INTEGER PRIMARY KEY, fan_out INTEGER NOT NULL, size INTEGER NOT NULL, users TEXT NOT NULL)",
    );
    sql.exec(`CREATE TABLE user_run_1 (user_key TEXT PRIMARY KEY, started_at INTEGER NOT NULL, status TEXT NOT NULL, phase TEXT NOT NULL,
      wake_at INTEGER, user_id TEXT NOT NULL, finished_at INTEGER, attempt INTEGER NOT NULL, http_status INTEGER, error TEXT,
      progress TEXT, output_truncated INTEGER, output TEXT) WITHOUT ROWID`);
    sql.exec("CREATE INDEX user_run_1_wake ON user_run_1 (wake_at) WHERE wake_at IS NOT NULL");
    sql.exec("INSERT INTO fan_out VALUES (1, 1, 'j', 0, ?, 0, 0, 0, NULL)", JSON.stringify(spec));
    for (const run of [...runs, begun("zoe")]) {
      sql.exec(
        "INSERT INTO user_run_1 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        keyOfUserRun(run.id),
        run.startedAt,
        run.status,
        run.phase,
        run.wakeAt ?? (run.phase === "ended" ? null : run.startedAt),
        run.userId ?? "",
        run.finishedAt ?? null,
        run.attempt,
        run.httpStatus ?? null,
        run.error ?? null,
        run.progress === undefined ? null : JSON.stringify(run.progress),
        run.outputTruncated ? 1 : null,
        run.output ?? null,
      );
    }
    const store = new FanOutStore(sql);
    expect(store.find(1)).toMatchObject({ spec, k: 0 });
    const kept = [...runs, begun("zoe")].map((run) => store.run(spec, keyOfUserRun(run.id)));
    expect(kept).toEqual([...runs, begun("zoe")]);
    expect(store.counts(1)).toEqual({ total: 5, succeeded: 1, failed: 1, skipped: 0, active: 3 });
    expect(store.dueRuns(spec, T0, 10)).toEqual([begun("zoe")]);
    // Opened again, there is nothing to bring up to date.
    expect(new FanOutStore(sql).run(spec, userKey("ann"))).toEqual(runs[0]);
  });
});
