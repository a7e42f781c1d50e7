import { describe, expect, it } from "vitest";
import { beginAttempt, type Run, settleAttempt, startRun } from "../../../src/domain/run/run.ts";
import { traceparent } from "../../../src/domain/run/traceparent.ts";
import { dataPointOf } from "../../../src/telemetry/data-point.ts";
import { readHeaders, traceBody, tracesUrl } from "../../../src/telemetry/otlp.ts";
import { spansOf, type TracedJob } from "../../../src/telemetry/spans.ts";

const NOW = Date.parse("2026-11-28T09:00:00Z");
const JOB: TracedJob = { id: "j1", name: "Report", agent_id: "helper", exec_scope: "system" };
const RULES = {
  retry: { maxAttempts: 3, minBackoffMs: 1_000, maxBackoffMs: 1_000 },
  completionTimeoutMs: 3_600_000,
  claimTimeoutMs: 3_600_000,
};
const begun = (): Run =>
  startRun({ id: "j1-s1", seq: 1, sessionId: "s", trigger: "schedule", dueAt: NOW - 2_000 }, NOW);
const retryable = { kind: "retryable", reason: "the agent answered 503", httpStatus: 503 } as const;
const answered = (run: Run, answer: Parameters<typeof settleAttempt>[1], at: number): Run =>
  settleAttempt(beginAttempt(run, at), answer, RULES, at + 100, 0);

describe("the spans of a run", () => {
  const failed = answered(begun(), retryable, NOW);
  const run = answered(failed, { kind: "success", httpStatus: 200 }, NOW + 2_000);
  const spans = spansOf(JOB, run);

  it("are the run from its due time on, how late it was, and each attempt", () => {
    expect(spans.map(({ name, startedAt, finishedAt }) => [name, startedAt - NOW, finishedAt - NOW])).toEqual([
      ["run", -2_000, 2_100],
      ["due", -2_000, 0],
      ["attempt", 0, 100],
      ["attempt", 2_000, 2_100],
    ]);
    expect(spans.map(({ error }) => error)).toEqual([undefined, undefined, "the agent answered 503", undefined]);
  });

  it("of attempts are the parents that the agent got in traceparent, under one root in the run's trace", () => {
    const [root] = spans;
    const attempts = spans.filter(({ name }) => name === "attempt");
    expect(attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)).toEqual(
      [1, 2].map((attempt) => traceparent(run.id, attempt)),
    );
    expect(root?.parentId).toBeUndefined();
    expect(new Set(spans.slice(1).map(({ parentId }) => parentId))).toEqual(new Set([root?.spanId]));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  });

  it("include the wait for the completion after a 202", () => {
    const waiting = answered(begun(), { kind: "accepted", httpStatus: 202 }, NOW);
    const ended: Run = { ...waiting, phase: "ended", status: "success", finishedAt: NOW + 60_000 };
    const found = spansOf(JOB, ended).filter(({ name }) => name !== "run" && name !== "due");
    expect(found.map(({ name, startedAt, finishedAt }) => [name, startedAt - NOW, finishedAt - NOW])).toEqual([
      ["attempt", 0, 100],
      ["wait for completion", 100, 60_000],
    ]);
  });

  it("include the time in the mailbox of an agent without an address", () => {
    const offered: Run = {
      ...answered(begun(), { kind: "offered", offeredAt: NOW + 50, agentId: "helper" }, NOW),
      claim: { at: NOW + 500, leaseMs: 1, leaseEndsAt: NOW, completeBy: NOW, bySocket: false },
      ...{ phase: "ended", status: "error", error: "no", finishedAt: NOW + 900 },
    };
    const found = spansOf(JOB, offered).filter(({ name }) => name.startsWith("wait"));
    expect(found.map(({ name, startedAt, finishedAt }) => [name, startedAt - NOW, finishedAt - NOW])).toEqual([
      ["wait in the mailbox", 50, 500],
      ["wait for completion", 500, 900],
    ]);
  });

  it("begin with the run's start if it is a manual run", () => {
    const [root, ...rest] = spansOf(JOB, { ...run, trigger: "backfill", dueAt: 0 });
    expect(root?.startedAt).toBe(NOW);
    expect(rest.map(({ name }) => name)).not.toContain("due");
  });
});

describe("OTLP", () => {
  it("is JSON with ids in hex, times in nanoseconds as text, and typed attributes", () => {
    const [root] = spansOf(JOB, answered(begun(), { kind: "refused", reason: "no", httpStatus: 400 }, NOW));
    const body: unknown = JSON.parse(traceBody(root === undefined ? [] : [root]));
    expect(body).toMatchObject({
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "reveille" } }, {}] },
          scopeSpans: [
            {
              spans: [
                {
                  traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
                  spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
                  name: "run",
                  kind: 1,
                  startTimeUnixNano: `${NOW - 2_000}000000`,
                  status: { code: 2, message: "no" },
                  attributes: expect.arrayContaining([{ key: "reveille.late_ms", value: { intValue: "2000" } }]),
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it.each([
    ["https://otel.example.com", "https://otel.example.com/v1/traces"],
    ["https://otel.example.com/otlp/", "https://otel.example.com/otlp/v1/traces"],
    ["https://otel.example.com/v1/traces", "https://otel.example.com/v1/traces"],
  ])("posts for %s to %s", (url, traces) => expect(tracesUrl(url)).toBe(traces));

  it.each([
    [undefined, {}],
    ["authorization=Bearer%20a%3D,x-team = ops", { authorization: "Bearer a=", "x-team": "ops" }],
    ["nonsense,=x,a b=c,k=%zz", { k: "%zz" }],
  ])("reads headers %s", (text, headers) => expect(readHeaders(text)).toEqual(headers));
});

it("a data point has the run's figures at fixed places", () => {
  const run = { ...answered(begun(), { kind: "success", httpStatus: 200 }, NOW), costUsd: 0.5, tokens: 7 };
  expect(dataPointOf(JOB, run)).toEqual({
    indexes: ["j1"],
    blobs: ["Report", "helper", "system", "schedule", "success", ""],
    doubles: [2_000, 100, 1, 200, 0.5, 7],
  });
});
