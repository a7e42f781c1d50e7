import { expect, it } from "vitest";
import { type Run, startRun } from "../../../src/domain/run/run.ts";
import { CallBudget } from "../../../src/outbound/call-budget.ts";
import type { DataPoint } from "../../../src/telemetry/data-point.ts";
import type { TracedJob } from "../../../src/telemetry/spans.ts";
import { Telemetry } from "../../../src/telemetry/telemetry.ts";

const JOB: TracedJob = { id: "j1", name: "Report", exec_scope: "system" };
const run = (n: number, more: Partial<Run> = {}): Run => ({
  ...startRun({ id: `j1-s${n}`, seq: n, sessionId: "s", trigger: "schedule", dueAt: 1_000 }, 1_000),
  ...{ phase: "ended", status: "success", finishedAt: 2_000, ...more },
});

function telemetry(answer: () => string | undefined = () => undefined) {
  const bodies: string[] = [];
  const points: DataPoint[] = [];
  const reports: string[] = [];
  const sending: Promise<void>[] = [];
  const clock = { now: 0 };
  const made = new Telemetry({
    post: async (body) => {
      bodies.push(body);
      return answer();
    },
    dataset: { writeDataPoint: (point) => void points.push(point) },
    waitUntil: (promise) => void sending.push(promise),
    now: () => clock.now,
    report: (message) => void reports.push(message),
  });
  return { made, bodies, points, reports, clock, settled: () => Promise.all(sending) };
}
const spansIn = (body = ""): number => body.split('"spanId"').length - 1;

it("reports each ended run once, and all of one commit in one post", async () => {
  const { made, bodies, points, settled } = telemetry();
  made.recorded(JOB, [run(1), run(2), run(3, { phase: "pending", status: "running" })]);
  await settled();
  expect(bodies).toHaveLength(1);
  expect(spansIn(bodies[0])).toBe(2);
  expect(points).toHaveLength(2);
});

it("posts no span for a skip, and one data point for fires that are held in a row", async () => {
  const { made, bodies, points, settled } = telemetry();
  made.recorded(JOB, [run(1, { status: "skipped" })]);
  made.recorded(JOB, [run(1, { status: "skipped", count: 2 })]);
  await settled();
  expect([bodies.length, points.length]).toEqual([0, 1]);
});

it("takes its posts from the calls of the wake, and waits for the next wake if none is left", async () => {
  const { made, bodies, settled } = telemetry();
  const budget = made.woke(new CallBudget(1));
  made.recorded(JOB, [run(1)]);
  await settled();
  expect([bodies.length, budget.left]).toEqual([1, 0]);
  made.recorded(JOB, [run(2)]);
  await settled();
  expect(bodies).toHaveLength(1);
  made.woke(new CallBudget(1));
  await settled();
  expect(bodies).toHaveLength(2);
  made.slept();
  made.recorded(JOB, [run(3)]);
  await settled();
  expect(bodies).toHaveLength(3);
});

it("drops what the collector refuses, and logs that once a minute", async () => {
  const { made, bodies, reports, clock, settled } = telemetry(() => "the collector answered 503");
  for (let n = 0; n < 3; n++) {
    made.recorded(JOB, [run(n)]);
    await settled();
  }
  expect([bodies.length, reports]).toEqual([3, ["Spans of runs were dropped: the collector answered 503"]]);
  clock.now = 60_000;
  made.recorded(JOB, [run(4)]);
  await settled();
  expect(reports).toHaveLength(2);
});

it("keeps a bounded number of spans and writes a bounded number of points", async () => {
  const { made, bodies, points, settled } = telemetry();
  made.woke(new CallBudget(100));
  made.recorded(
    JOB,
    Array.from({ length: 3_000 }, (_, n) => run(n)),
  );
  await settled();
  expect(bodies.map(spansIn)).toEqual([500, 500, 500, 500]);
  expect(points).toHaveLength(250);
});
