/** The calls of one invocation are counted in one place (docs/architecture.md, invariant 5). */
import { describe, expect, it } from "vitest";
import { callAgent } from "../../../src/agent/call-agent.ts";
import { defineJob } from "../../../src/domain/job/definition.ts";
import { settleAttempt, startRun } from "../../../src/domain/run/run.ts";
import { type Env, settingsOf } from "../../../src/env.ts";
import { CallBudget, isCallRefusal } from "../../../src/outbound/call-budget.ts";
import { Deadline } from "../../../src/outbound/deadline.ts";
import { JobInput } from "../../../src/schema/job.ts";

describe("a budget of calls", () => {
  it("gives as many calls as its limit, and then none", () => {
    const budget = new CallBudget(3);
    expect([budget.take(), budget.take(2), budget.take(), budget.isUsedUp]).toEqual([true, true, false, true]);
  });

  it("gives nothing if less is left than requested", () => {
    const budget = new CallBudget(2);
    expect([budget.take(3), budget.left]).toEqual([false, 2]);
  });

  it("is used up when the platform refuses a call", () => {
    const budget = new CallBudget(1_000);
    budget.exhaust();
    expect([budget.take(), budget.isUsedUp]).toEqual([false, true]);
  });
});

describe("the platform's refusal of one more call", () => {
  it.each([
    new Error("Too many subrequests."),
    new Error("Too many subrequests by single Worker invocation. To configure this limit, refer to the documentation"),
    new Error("Too many API requests by single worker invocation."),
  ])("is recognised: %s", (error) => expect(isCallRefusal(error)).toBe(true));

  it.each([new Error("Network connection lost."), new Error("429 Too Many Requests"), "nothing", undefined])(
    "is not seen in %s",
    (error) => expect(isCallRefusal(error)).toBe(false),
  );

  it("uses no attempt of the run", async () => {
    const refuse = async () => {
      throw new Error("Too many subrequests by single Worker invocation.");
    };
    const env = {
      TOKEN_SECRET: "t".repeat(32),
      AGENT_URL: "https://agent.example/",
      AGENT_SECRET: `whsec_${btoa("s".repeat(32))}`,
      NETWORK: { fetch: refuse },
    };
    const now = Date.UTC(2026, 10, 28);
    const run = startRun({ id: "r", seq: 1, sessionId: "s", trigger: "schedule", dueAt: now }, now);
    const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" } }));
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    const job = { definition: defined.value.definition };
    const io = { now: () => now, deadline: new Deadline(1_000) };
    const answer = await callAgent(env as unknown as Env, settingsOf(env), job, { ...run, jobId: "j" }, io);
    expect(answer).toEqual({ kind: "postponed" });
    const rules = {
      retry: { maxAttempts: 1, minBackoffMs: 0, maxBackoffMs: 0 },
      completionTimeoutMs: 1,
      claimTimeoutMs: 1,
    };
    const next = settleAttempt({ ...run, phase: "calling" }, answer, rules, now, 0);
    expect([next.phase, next.attempt, next.error]).toEqual(["pending", 1, undefined]);
  });
});
