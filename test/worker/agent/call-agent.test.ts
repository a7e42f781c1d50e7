/** Failures between a run and its agent may pass. Then the attempt is repeated, and nothing throws. */
import { expect, it, vi } from "vitest";
import { callAgent } from "../../../src/agent/call-agent.ts";
import { defineJob } from "../../../src/domain/job/definition.ts";
import { type Env, settingsOf } from "../../../src/env.ts";
import { Deadline } from "../../../src/outbound/deadline.ts";
import { JobInput } from "../../../src/schema/job.ts";
import { env, call as httpCall } from "../http-fixture.ts";

const unreachable = {
  getByName: () => {
    throw new Error("the object is overloaded");
  },
} as unknown as Env["DIRECTORY"];

const call = (called: Env, agent_id: string | undefined, deadline = new Deadline(1_000)) => {
  const job = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" }, agent_id }));
  if (!job.ok) throw new Error("the job of this test is wrong");
  const run = {
    id: "jx-s1",
    jobId: "jx",
    sessionId: "scheduler:jx",
    trigger: "schedule",
    dueAt: 1,
    startedAt: 1,
    attempt: 1,
  } as const;
  const io = { now: () => Date.now(), deadline };
  return callAgent(called, settingsOf(env), { definition: job.value.definition }, run, io);
};

it("a named agent that cannot be looked up is a passing failure; the default one takes no lookup", async () => {
  const cut = { ...env, DIRECTORY: unreachable };
  expect(await call(cut, "asked-of-nobody")).toEqual({
    kind: "retryable",
    reason: "the agent could not be looked up: the directory could not be reached",
  });
  expect(await call(cut, undefined)).toMatchObject({ kind: "success" });
  expect(await call(env, "nobody")).toMatchObject({
    kind: "refused",
    reason: 'agent "nobody" is not registered: PUT /v1/agents/nobody',
  });
});

it("a mailbox that cannot be reached is a passing failure", async () => {
  await httpCall("PUT", "/v1/agents/pulls-nothing", { json: { delivery: "pull" } });
  const cut = { ...env, MAILBOX: unreachable } as unknown as Env;
  expect(await call(cut, "pulls-nothing")).toEqual({
    kind: "retryable",
    reason: 'the mailbox of agent "pulls-nothing" could not be reached',
  });
});

it("an offer that was given up is withdrawn if the mailbox has stored it", async () => {
  const late = Promise.withResolvers<{ readonly offeredAt: number }>();
  const withdrawn: unknown[] = [];
  const mailbox = { offer: () => late.promise, withdraw: async (offer: unknown) => withdrawn.push(offer) };
  const slow = { ...env, MAILBOX: { getByName: () => mailbox } } as unknown as Env;
  await httpCall("PUT", "/v1/agents/pulls-late", { json: { delivery: "pull" } });
  for (const kind of ["timeout", "aborted"] as const) {
    const deadline = new Deadline(1_000);
    const answer = call(slow, "pulls-late", deadline);
    deadline.interrupt(kind);
    expect(await answer).toMatchObject(
      kind === "aborted" ? { kind } : { kind: "retryable", reason: "timed out after 1s: the mailbox has not answered" },
    );
  }
  expect(withdrawn).toEqual([]);
  late.resolve({ offeredAt: 7 });
  await vi.waitFor(() => expect(withdrawn).toEqual([1, 2].map(() => ({ runId: "jx-s1", offeredAt: 7 }))));
});
