/** A commit that storage refuses. Afterwards the job in memory equals its tables. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { JobState } from "../../../../durable-objects/job/state.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { beginAttempt, completeRun, type Run, startRun } from "../../../../src/domain/run/run.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { env as bindings } from "../../bindings.ts";

const RETENTION = 3;

const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" } }));
if (!defined.ok) throw new Error(JSON.stringify(defined.error));
const job = defined.value;

const begun = (seq: number): Run =>
  beginAttempt(startRun({ id: `r${seq}`, seq, sessionId: "s", trigger: "schedule", dueAt: seq }, seq));
const ended = (seq: number): Run => completeRun(begun(seq), { status: "success" }, seq);
/** NaN is stored as NULL, which its column does not take. */
const REFUSED: Run = { ...begun(5), seq: Number.NaN };

it("of several rows none stays if one is refused, and a repeated run takes no other run's slot", async () => {
  await runInDurableObject(bindings.JOB.getByName("job-state"), (_instance, { storage }) => {
    const state = new JobState(storage, RETENTION);
    const { record, cursor } = newJob("j", job, Date.now());
    state.create(record, cursor, Date.now());
    for (let seq = 1; seq <= RETENTION; seq++) state.commit({ runs: [ended(seq)], cursor });
    const logged = () => state.store.runs({ limit: 10 }).map(({ id }) => id);

    expect(() => state.commit({ runs: [begun(4), REFUSED], cursor })).toThrow();
    expect(logged()).toEqual(["r3", "r2", "r1"]);
    expect(state.current?.active).toEqual([]);

    state.commit({ runs: [begun(6)], cursor });
    state.commit({ runs: [begun(4)], cursor });
    expect(new Set(logged())).toEqual(new Set(["r3", "r4", "r6"]));
    expect(new JobState(storage, RETENTION).current?.active.map(({ id }) => id)).toEqual(["r4", "r6"]);
  });
});
