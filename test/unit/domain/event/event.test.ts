/** The events that a commit of a job brings (docs/contract.md §18). */
import { describe, expect, it } from "vitest";
import { MAX_OWED, owing, withoutReported } from "../../../../src/domain/event/event.ts";
import { openFanOut } from "../../../../src/domain/fan-out/fan-out.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { type Cursor, newJob } from "../../../../src/domain/job/job.ts";
import { pauseJob } from "../../../../src/domain/job/stop.ts";
import { addSpend } from "../../../../src/domain/run/budget.ts";
import { countEnded } from "../../../../src/domain/run/new-run.ts";
import { beginAttempt, cancelRun, completeRun, type Run, skipRun, startRun } from "../../../../src/domain/run/run.ts";
import { formatInstant } from "../../../../src/domain/time/instant.ts";
import { JobInput } from "../../../../src/schema/job.ts";

const T0 = Date.UTC(2026, 10, 28, 9);

function jobOf(fields: Record<string, unknown> = {}) {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { ...newJob("j1", defined.value, T0), active: [] as readonly Run[] };
}
const running = (id: string): Run =>
  beginAttempt(startRun({ id, seq: 1, sessionId: "s", trigger: "schedule", dueAt: T0 }, T0));
const failed = (run: Run): Run => completeRun(run, { status: "error", error: "503" }, T0 + 1);
const succeeded = (run: Run): Run => completeRun(run, { status: "success" }, T0 + 2);

/** The cursor after a run of the job has ended with this status. */
function endedAs(job: ReturnType<typeof jobOf>, before: Run, ended: Run, cursor: Cursor = job.cursor): Cursor {
  const counted = countEnded(cursor, ended);
  return owing({ ...job, cursor, active: [before] }, { record: job.record, cursor: counted, runs: [ended] }, T0);
}
const types = (cursor: Cursor) => (cursor.owed ?? []).map(({ type }) => type);

describe("a run", () => {
  it("that fails is run.failed, with the failures in a row; the first success after it is run.recovered", () => {
    const job = jobOf();
    const first = endedAs(job, running("a"), failed(running("a")));
    const second = endedAs(job, running("b"), failed(running("b")), first);
    const third = endedAs(job, running("c"), succeeded(running("c")), second);
    const fourth = endedAs(job, running("d"), succeeded(running("d")), third);
    expect(fourth.owed).toEqual([
      { id: "a_failed", type: "run.failed", at: T0 + 1, runId: "a", count: 1 },
      { id: "b_failed", type: "run.failed", at: T0 + 1, runId: "b", count: 2 },
      { id: "c_recovered", type: "run.recovered", at: T0 + 2, runId: "c" },
    ]);
    expect([first.failing, second.failing, third.failing]).toEqual([true, true, undefined]);
  });

  it("that succeeds brings nothing: the cursor is the very same", () => {
    const job = jobOf();
    const counted = countEnded(job.cursor, succeeded(running("a")));
    const change = { record: job.record, cursor: counted, runs: [succeeded(running("a"))] };
    expect(owing({ ...job, active: [running("a")] }, change, T0)).toBe(counted);
  });

  it("of a job with report all brings its success and its skip too", () => {
    const job = jobOf({ report: "all" });
    expect(types(endedAs(job, running("a"), succeeded(running("a"))))).toEqual(["run.succeeded"]);
    const skipped = skipRun(running("b"), "skipped: the previous run was still active", T0);
    expect(types(owing(job, { ...job, runs: [skipped] }, T0))).toEqual(["run.skipped"]);
    expect(types(owing(jobOf(), { ...jobOf(), runs: [skipped] }, T0))).toEqual([]);
  });

  it("of a job with report none brings no event, and is kept for the list of runs", () => {
    const job = jobOf({ report: "none" });
    const cursor = endedAs(job, running("a"), failed(running("a")));
    expect(cursor).toMatchObject({ failing: true, owed: [{ id: "a_failed", hidden: true }] });
  });

  it("that was cancelled is no event, and does not make the job a failing one", () => {
    const cursor = endedAs(jobOf(), running("a"), cancelRun(running("a"), T0));
    expect(cursor.failing).toBeUndefined();
    expect(cursor.owed).toMatchObject([{ id: "a_failed", hidden: true }]);
  });
});

describe("a budget", () => {
  const job = jobOf({ budget: { usd_per_day: 5, usd_total: 8 } });
  const spend = (cursor: Cursor, usd: number, day: string): Cursor => ({
    ...cursor,
    spent: addSpend(cursor.spent, { usd }, day),
  });
  const step = (from: Cursor, usd: number, day: string): Cursor =>
    owing({ ...job, cursor: from }, { ...job, cursor: spend(from, usd, day), runs: [] }, T0);

  it("is reported once a day when it is used up; a total is reported once for each amount", () => {
    const first = step(job.cursor, 4, "2026-11-28");
    const second = step(first, 1.5, "2026-11-28");
    const third = step(second, 1, "2026-11-28");
    const fourth = step(third, 6, "2026-11-29");
    const fifth = step(fourth, 6, "2026-11-30");
    expect(fifth.owed?.map(({ id }) => id)).toEqual([
      "j1_budget_usd_per_day_2026-11-28",
      "j1_budget_usd_per_day_2026-11-29",
      "j1_budget_usd_total_8",
      "j1_budget_usd_per_day_2026-11-30",
    ]);
    expect(second.owed?.[0]?.reason).toBe("usd_per_day 5 is used up (5.5 spent)");
  });

  it("is reported when a lower limit makes the spend too much, and a total again after it was raised", () => {
    const spent = step(job.cursor, 4, formatInstant(T0).slice(0, 10));
    expect(spent.owed).toBeUndefined();
    const lower = jobOf({ budget: { usd_per_day: 3, usd_total: 4 } }).record;
    const withoutReported = owing({ ...job, cursor: spent }, { record: lower, cursor: spent, runs: [] }, T0);
    expect(withoutReported.owed?.map(({ reason }) => reason)).toEqual([
      "usd_per_day 3 is used up (4 spent)",
      "usd_total 4 is used up (4 spent)",
    ]);
    const again = owing(
      { ...job, record: lower, cursor: withoutReported },
      { record: lower, cursor: withoutReported, runs: [] },
      T0,
    );
    expect(again.owed).toHaveLength(2);
  });
});

describe("a pause", () => {
  it.each([
    ["gone", ["job.paused"]],
    ["breaker", ["job.paused"]],
    ["agent", ["job.paused"]],
    ["hand", []],
  ] as const)("by %s brings %j", (by, expected) => {
    const job = jobOf();
    const paused = pauseJob(job.record, job.cursor, { by, reason: "why" }, T0);
    expect(types(owing(job, { ...paused, runs: [] }, T0))).toEqual(expected);
  });
});

describe("a fan-out", () => {
  const base = jobOf({ exec_scope: "all_users" });
  const opened = openFanOut(base.record, T0, { trigger: "schedule", dueAt: T0, missed: 0, number: 1 }, T0);
  const counts = { total: 3, succeeded: 3, failed: 0, skipped: 0 };

  it.each([
    ["an error", { status: "error" as const, counts: { ...counts, succeeded: 0, failed: 3 } }, ["fan_out.failed"]],
    [
      "a success with failed users",
      { status: "success" as const, counts: { ...counts, failed: 1 } },
      ["fan_out.failed"],
    ],
    ["a success", { status: "success" as const, counts }, []],
  ])("that ends as %s brings %j", (_what, end, expected) => {
    const fanOut = { ...opened, ...end, finishedAt: T0 + 5 };
    expect(types(owing(base, { ...base, runs: [], fanOut }, T0))).toEqual(expected);
  });

  it("with failed users counts as a failure in a row, and the next without any is a recovery", () => {
    const ending = (job: typeof base, failed: number) => {
      const fanOut = { ...opened, status: "success" as const, counts: { ...counts, failed }, finishedAt: T0 };
      return { ...job, cursor: owing(job, { ...job, runs: [], fanOut }, T0) };
    };
    const first = ending(base, 1);
    const second = ending(first, 2);
    expect(second.cursor.owed?.map(({ type, count }) => [type, count])).toEqual([
      ["fan_out.failed", 1],
      ["fan_out.failed", 2],
    ]);
    expect(second.cursor.failing).toBeUndefined();
    const third = ending(second, 0);
    expect(third.cursor.owed?.at(-1)?.type).toBe("run.recovered");
    expect(ending(third, 0).cursor).toBe(third.cursor);
  });

  it("that succeeds after one that failed is a recovery", () => {
    const cursor = { ...base.cursor, failing: true as const };
    const fanOut = { ...opened, status: "success" as const, counts, finishedAt: T0 };
    expect(types(owing({ ...base, cursor }, { ...base, cursor, runs: [], fanOut }, T0))).toEqual(["run.recovered"]);
  });
});

describe("an owed event", () => {
  it("is removed by its id once told, and events that came meanwhile stay", () => {
    const job = jobOf();
    const first = endedAs(job, running("a"), failed(running("a")));
    const second = endedAs(job, running("b"), failed(running("b")), first);
    const left = withoutReported(second, new Set(["a_failed"]));
    expect(left.owed?.map(({ id }) => id)).toEqual(["b_failed"]);
    expect(withoutReported(left, new Set(["b_failed"])).owed).toBeUndefined();
  });

  it("has a bound", () => {
    const job = jobOf();
    let { cursor } = job;
    for (let i = 0; i < MAX_OWED + 10; i++) cursor = endedAs(job, running(`r${i}`), failed(running(`r${i}`)), cursor);
    expect(cursor.owed).toHaveLength(MAX_OWED);
  });
});
