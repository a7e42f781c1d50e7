/**
 * The second clock (docs/architecture.md, invariant 4): the sweep's question wakes a job whose alarm the platform has given
 * up, for every kind of timer.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { JobObject } from "../../../../durable-objects/job/object.ts";
import { JobStore } from "../../../../durable-objects/job/store.ts";
import type { JobRecord } from "../../../../src/domain/job/job.ts";
import { beginAttempt, type Run, startRun } from "../../../../src/domain/run/run.ts";
import { env, makeJob } from "../../http-fixture.ts";

/** A job that is next due in an hour, asleep and without an alarm, with this change. */
async function givenUp(change: { readonly record?: Partial<JobRecord>; readonly run?: (now: number) => Run } = {}) {
  const id = await makeJob({ schedule: { every: "1h" } });
  const stub = env.JOB.getByName(id);
  await runInDurableObject(stub, async (_, { storage }) => {
    const store = new JobStore(storage.sql, 100);
    const stored = store.load();
    if (stored === undefined) throw new Error("the job is there");
    const cursor = { ...stored.cursor, rev: stored.cursor.rev + 1 };
    store.record({
      record: { ...stored.record, ...change.record },
      runs: change.run === undefined ? [] : [change.run(Date.now())],
      cursor,
    });
    await storage.deleteAlarm();
  });
  await evictDurableObject(stub);
  return stub;
}

/** Whether the alarm is set, right after the check-in and before it can ring. */
async function isArmedByPoke(stub: Awaited<ReturnType<typeof givenUp>>): Promise<boolean> {
  return runInDurableObject(stub, async (job: JobObject, { storage }) => {
    const [, at] = await Promise.all([job.checkIn(), storage.getAlarm()]);
    return at !== null;
  });
}

const runOf = (now: number): Run =>
  startRun({ id: "r1", seq: 1, sessionId: "s", trigger: "schedule", dueAt: now }, now);

describe("a job found without an alarm is rung where", () => {
  it.each([
    ["a call was interrupted", { run: (now: number) => beginAttempt(runOf(now)) }],
    ["an attempt is overdue", { run: (now: number) => ({ ...runOf(now), wakeAt: now - 1 }) }],
    ["the directory has not been told of its last change", { record: { version: 2 } }],
    ["its deletion was interrupted", { record: { deletedAt: 1 } }],
  ])("%s", async (_, change) => {
    expect(await isArmedByPoke(await givenUp(change))).toBe(true);
  });

  it("but not if nothing is due, so that a look costs no row", async () => {
    expect(await isArmedByPoke(await givenUp())).toBe(false);
  });
});
