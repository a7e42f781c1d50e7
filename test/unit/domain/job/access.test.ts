/** The effect of a token's ids on the jobs that it creates (docs/contract.md §7). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ADMIN,
  type Caller,
  canChange,
  canReadRuns,
  canRun,
  canSee,
  claimJob,
  refuseForeignForm,
} from "../../../../src/domain/job/access.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { JobInput } from "../../../../src/schema/job.ts";

const perhaps = (...ids: string[]) => fc.option(fc.constantFrom(...ids), { nil: undefined });
/** As `POST /v1/tokens` makes them. */
const caller: fc.Arbitrary<Caller> = fc.oneof(
  fc.record({ role: fc.constant("agent" as const), agent_id: fc.constant("a"), user_id: perhaps("u") }),
  fc.record({ role: fc.constant("user" as const), user_id: fc.constant("u"), agent_id: perhaps("a") }),
  fc.record({ role: fc.constant("plugin" as const), plugin_id: fc.constant("p"), agent_id: perhaps("a") }),
);
const ids = fc.record(
  { agent_id: fc.constantFrom("", "a", "b"), user_id: fc.constantFrom("", "u", "v"), plugin_id: fc.constant("p") },
  { requiredKeys: [] },
);

it("a job is seen by the token that created it, for any ids in the call", () => {
  let made = 0;
  fc.assert(
    fc.property(caller, ids, fc.boolean(), (by, given, ofPlugin) => {
      const plugin = ofPlugin ? { plugin_id: "p", job_key: "k", runtime_name: "r" } : {};
      const input = JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" }, ...given, ...plugin });
      const claimed = claimJob(by, input);
      const job = claimed.ok ? defineJob(claimed.value) : claimed;
      if (!job.ok) return;
      made++;
      expect(canSee(by, job.value.definition)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
  expect(made).toBeGreaterThan(50);
});

it("a plugin's token that is bound to an agent makes jobs of that agent", () => {
  const by = { role: "plugin", plugin_id: "p", agent_id: "a" } as const;
  const input = { name: "n", schedule: { every: "1h" }, plugin_id: "p", job_key: "k", runtime_name: "r" };
  const claimed = claimJob(by, JobInput.parse(input));
  expect(claimed).toMatchObject({ ok: true, value: { agent_id: "a", plugin_id: "p", owner_kind: "plugin" } });
});

describe("a job of the operator's", () => {
  const agent: Caller = { role: "agent", agent_id: "a1" };
  const viewer: Caller = { role: "viewer" };
  it.each([
    ["a user's job", { owner_kind: "user", exec_scope: "user" }, true, true, true],
    ["a plugin's job", { owner_kind: "plugin", exec_scope: "system" }, true, true, true],
    ["a system job", { owner_kind: "system", exec_scope: "system" }, false, true, true],
    ["a job for all users", { owner_kind: "user", exec_scope: "all_users" }, false, false, true],
  ] as const)("%s: who may change it, and who reads its runs", (_name, job, changes, agentReads, viewerReads) => {
    expect(canChange(agent, job)).toBe(changes);
    expect(canChange(ADMIN, job)).toBe(true);
    expect([canReadRuns(agent, job), canReadRuns(viewer, job)]).toEqual([agentReads, viewerReads]);
  });
});

describe("a token with a list of agents", () => {
  const of = (...agents: string[]): Caller => ({ role: "user", user_id: "u", agents });
  const input = (fields: object = {}) =>
    JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" }, user_id: "u", ...fields });

  it("creates jobs for its only agent if none is named", () => {
    expect(claimJob(of("a"), input())).toMatchObject({ ok: true, value: { agent_id: "a" } });
    expect(claimJob(of("a"), input({ agent_id: "" }))).toMatchObject({ ok: true, value: { agent_id: "a" } });
  });

  it.each([
    ["names none of several", of("a", "b"), {}, false],
    ["names one of several", of("a", "b"), { agent_id: "b" }, true],
    ["names another", of("a"), { agent_id: "c" }, false],
  ])("%s", (_what, by, fields, isAllowed) => {
    const claimed = claimJob(by, input(fields));
    expect(claimed.ok).toBe(isAllowed);
    if (!claimed.ok) expect(claimed.error).toMatchObject({ kind: "forbidden", errors: [{ path: "agent_id" }] });
  });

  it("keeps no job for another agent, nor for the default one", () => {
    expect(refuseForeignForm(of("a"), input({ agent_id: "b" }))).toMatchObject({ kind: "forbidden" });
    expect(refuseForeignForm(of("a"), input())).toMatchObject({ kind: "forbidden" });
    expect(refuseForeignForm(of("a"), input({ agent_id: "a" }))).toBeUndefined();
  });

  it("runs no job for another agent, with any maker", () => {
    expect([{ agent_id: "a" }, { agent_id: "b" }, {}].map((job) => canRun(of("a"), job))).toEqual([true, false, false]);
    expect([ADMIN, { role: "user", user_id: "u" } as const].map((by) => canRun(by, {}))).toEqual([true, true]);
  });
});
