import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backfillRunId, fanOutId, manualRunId, scheduledRunId, userRunId } from "../../../../src/domain/run/run-id.ts";

const jobId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const instant = fc.integer({ min: -8.64e15, max: 8.64e15 });
const number = fc.nat(Number.MAX_SAFE_INTEGER);

/** What an id is an id of. */
type Subject = { make: () => string; key: string };
const subject = (key: unknown, make: () => string): Subject => ({ key: JSON.stringify(key), make });
const run = fc.oneof(
  fc.tuple(jobId, instant).map(([job, due]) => subject(["scheduled", job, due], () => scheduledRunId(job, due))),
  fc
    .tuple(jobId, number, instant)
    .map(([job, number, due]) => subject(["backfill", job, number, due], () => backfillRunId(job, number, due))),
  fc
    .tuple(jobId, instant, fc.string())
    .map(([job, at, nonce]) => subject(["manual", job, at, nonce], () => manualRunId(job, at, nonce))),
);
const fanOut = fc.oneof(
  fc.tuple(jobId, instant).map(([job, due]) => subject(["fan-out", job, due], () => fanOutId(job, due))),
  fc
    .tuple(jobId, number, instant)
    .map(([job, backfillNo, dueAt]) =>
      subject(["backfill fan-out", job, backfillNo, dueAt], () => fanOutId(job, { backfillNo, dueAt })),
    ),
  fc
    .tuple(jobId, instant, fc.string())
    .map(([job, requestedAt, nonce]) =>
      subject(["manual fan-out", job, requestedAt, nonce], () => fanOutId(job, { requestedAt, nonce })),
    ),
);
const userRun = fc
  .tuple(fanOut, fc.string({ unit: "binary", minLength: 1 }))
  .map(([of, user]) => subject(["user run", of.key, user], () => userRunId(of.make(), user)));
const anySubject = fc.oneof(run, fanOut, userRun);

describe("ids of runs and fan-outs", () => {
  it("are always the same, safe in a path, without full stops, and at most 128 characters long", () => {
    fc.assert(
      fc.property(anySubject, ({ make }) => {
        expect(make()).toBe(make());
        expect(make()).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
      }),
    );
  });

  it("differ if their causes differ", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anySubject, { selector: ({ key }) => key, maxLength: 20 }), (subjects) => {
        expect(new Set(subjects.map(({ make }) => make())).size).toBe(subjects.length);
      }),
    );
  });

  it("differ even if job ids look like ids of runs", () => {
    const ids = [
      scheduledRunId("a", 5),
      scheduledRunId("a-b1_5", 5),
      backfillRunId("a", 1, 5),
      backfillRunId("a-s5", 1, 5),
      backfillRunId("a", 15, 5),
      backfillRunId("a-b1", 5, 5),
      scheduledRunId("a", -5),
      fanOutId("a", 5),
      fanOutId("a-s5", 5),
      userRunId(fanOutId("a", 5), "5"),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("never change, since agents and clients store them", () => {
    expect(scheduledRunId("job", 1_795_424_400_000)).toBe("job-s1795424400000");
    expect(backfillRunId("job", 2, 1_795_424_400_000)).toBe("job-b2_1795424400000");
    expect(backfillRunId("job", 2, -1)).toBe("job-b2_n1");
    expect(manualRunId("job", 1_795_424_400_000, "n")).toBe("job-m1795424400000_3cbb3qtkhegjvgzs");
    expect(fanOutId("job", 1_795_424_400_000)).toBe("job-f1795424400000");
    expect(userRunId("job-f1795424400000", "42")).toBe("job-f1795424400000-ued3nsd0aat78va508q7d240k");
  });

  it("never repeat among twenty thousand users of one fan-out", () => {
    const ids = new Set<string>();
    for (let user = 0; user < 20_000; user++) ids.add(userRunId("job-f0", String(user)));
    expect(ids.size).toBe(20_000);
  });
});
