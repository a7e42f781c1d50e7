/** Warnings about a job beside its schedule (docs/contract.md §13). */
import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { type JobSurroundings, jobWarnings } from "../../../../src/domain/job/job-warnings.ts";
import { JobInput } from "../../../../src/schema/job.ts";

const AROUND: JobSurroundings = {
  now: Date.parse("2026-11-23T09:00:00Z"),
  firstAt: undefined,
  agent: "there",
  namesake: undefined,
  hasUsers: true,
  catchupGiven: false,
  timeoutGiven: false,
};

function warnings(fields: Record<string, unknown>, around: Partial<JobSurroundings> = {}): string[] {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1m" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const { definition, schedule } = defined.value;
  return jobWarnings(definition, schedule, { ...AROUND, ...around }).map(
    ({ path, code, message }) => `${path} ${code}: ${message}`,
  );
}

describe("a job is warned of", () => {
  it("an agent that is not registered, with the call that registers it", () => {
    expect(warnings({ agent_id: "helper" }, { agent: "unregistered" })).toEqual([
      expect.stringMatching(
        /^agent_id agent_not_registered: no agent is registered as "helper".*PUT \/v1\/agents\/helper/,
      ),
    ]);
  });
  it("no agent at all", () => {
    expect(warnings({}, { agent: "missing" })).toEqual([expect.stringMatching(/^agent_id no_agent: .*AGENT_URL/)]);
  });
  it("a roster without an active user, with the calls that fill it", () => {
    expect(warnings({}, { hasUsers: false })).toEqual([
      expect.stringMatching(/^exec_scope no_active_users: .*PUT \/v1\/users\/\{id\} or POST \/v1\/users\/import/),
    ]);
  });
  it.each([
    [{ catchup_window: "1h", schedule: { every: "10m" } }, true],
    [{ catchup_window: "1h", schedule: { cron: "*/10 * * * *" } }, true],
    [{ catchup_window: "0s", schedule: { every: "10m" } }, false],
    // The dashboard sends every default.
    [{ catchup_window: "24h", schedule: { every: "10m" } }, false],
    [{ catchup_window: "1h", schedule: { every: "10m", ends_at: "2099-01-01T00:00:00Z" } }, false],
    [{ catchup_window: "5m", schedule: { every: "10m" } }, false],
    [{ catchup_window: "1h", schedule: { cron: "0 9 * * *", timezone: "UTC" } }, false],
    [{ catchup_window: "1h", schedule: { every: "10m", exclude: ["22:00-07:00"] } }, false],
  ])("a given window that no missed fire outlasts: %j %s", (fields, expected) => {
    const code = /^catchup_window catchup_always_runs: .*"0s"/;
    expect(warnings(fields, { catchupGiven: true })).toEqual(expected ? [expect.stringMatching(code)] : []);
    expect(warnings(fields)).toEqual([]);
  });
  it("another job of that name", () => {
    expect(warnings({}, { namesake: { id: "j9" } })).toEqual([
      expect.stringMatching(/^name duplicate_name: job j9 of the same owner is called "n" too.*PATCH \/v1\/jobs\/j9/),
    ]);
  });
  it.each([
    [{ timeout: "10m" }, true],
    [{ timeout: "1m1s" }, true],
    [{ timeout: "1m" }, false],
    [{ timeout: "10m", overlap: "buffer_one" }, false],
    [{ timeout: "10m", schedule: { at: "2027-01-01T00:00:00Z" } }, false],
    [{ timeout: "10m", schedule: { cron: "0,9 9 * * *", timezone: "UTC" } }, true],
    [{ timeout: "10m", schedule: { cron: "0,10 9 * * *", timezone: "UTC" } }, false],
    [{ timeout: "10m", schedule: { manual: true } }, false],
  ])("runs that may overlap, where timeout is given: %j %s", (fields, expected) => {
    expect(warnings(fields, { timeoutGiven: true })).toEqual(
      expected ? [expect.stringMatching(/^timeout may_overlap: .*"buffer_one"/)] : [],
    );
    expect(warnings(fields)).toEqual([]);
  });
});
