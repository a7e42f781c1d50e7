import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ADMIN, type Caller, canSee } from "../../../../src/domain/job/access.ts";
import { defineJob, ownerOf } from "../../../../src/domain/job/definition.ts";
import { jobView, newJob } from "../../../../src/domain/job/job.ts";
import {
  foldName,
  type JobFilter,
  matchesFilter,
  narrowToCaller,
  ownersMatching,
} from "../../../../src/domain/job/job-filter.ts";
import { type Job, type JobDefinition, JobInput } from "../../../../src/schema/job.ts";

const id = fc.constantFrom("1", "2");
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const ownerKind = fc.constantFrom("user" as const, "plugin" as const, "system" as const);
const execScope = fc.constantFrom("system" as const, "user" as const, "all_users" as const);

/** Every job that the rules between fields let through. */
const anyJob = fc
  .record({
    owner_kind: ownerKind,
    exec_scope: execScope,
    agent_id: maybe(id),
    user_id: maybe(id),
    plugin_id: maybe(id),
  })
  .map((fields) => {
    const plugin = fields.owner_kind === "plugin" ? { job_key: "k", runtime_name: "r" } : {};
    const input = { name: "n", message: "m", schedule: { every: "1h" }, ...plugin, ...fields };
    return defineJob(JobInput.parse(JSON.parse(JSON.stringify(input))));
  })
  .filter((defined) => defined.ok)
  .map((defined) => {
    const { record, cursor } = newJob("j", defined.value, 0);
    return { definition: defined.value.definition, job: jobView(record, cursor, 0) } satisfies {
      definition: JobDefinition;
      job: Job;
    };
  });

const anyFilter: fc.Arbitrary<JobFilter> = fc.record(
  { owner_kind: ownerKind, exec_scope: execScope, agent_id: id, user_id: id, plugin_id: id },
  { requiredKeys: [] },
);

const anyCaller: fc.Arbitrary<Caller> = fc.oneof(
  fc.constant(ADMIN),
  fc.constant({ role: "viewer" } as const),
  fc.record({
    role: fc.constantFrom("agent" as const, "user" as const, "plugin" as const),
    agent_id: maybe(id),
    user_id: maybe(id),
    plugin_id: maybe(id),
  }),
);

describe("a filter", () => {
  it("never leaves out the owner of a job that it accepts", () => {
    fc.assert(
      fc.property(anyJob, anyFilter, ({ definition, job }, filter) => {
        const owners = ownersMatching(filter);
        if (owners === "any" || !matchesFilter(job, filter, ADMIN)) return;
        expect(owners).toContain(ownerOf(definition));
      }),
      { numRuns: 2_000 },
    );
  });

  it("narrowed to a caller accepts the jobs that both the filter and the caller's ids accept", () => {
    fc.assert(
      fc.property(anyJob, anyFilter, anyCaller, ({ job }, filter, caller) => {
        const narrowed = narrowToCaller(filter, caller);
        const seen = narrowed !== undefined && matchesFilter(job, narrowed, ADMIN);
        expect(seen).toBe(matchesFilter(job, filter, ADMIN) && canSee(caller, job));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[JobFilter, readonly string[] | "any"]>([
    [{ user_id: "1" }, ["user:1", "system"]],
    [{ user_id: "1", owner_kind: "user" }, ["user:1"]],
    [{ plugin_id: "mail", agent_id: "anna" }, ["plugin:mail"]],
    [{ owner_kind: "system" }, ["system"]],
    [{ agent_id: "anna" }, "any"],
    [{}, "any"],
  ])("%j asks the shards of %j", (filter, owners) => {
    expect(ownersMatching(filter)).toEqual(owners);
  });

  it("shows active and paused jobs unless it names states", () => {
    fc.assert(
      fc.property(
        anyJob,
        fc.constantFrom("active" as const, "paused" as const, "finished" as const),
        ({ job }, state) => {
          expect(matchesFilter({ ...job, state }, {}, ADMIN)).toBe(state !== "finished");
          expect(matchesFilter({ ...job, state }, { states: ["finished"] }, ADMIN)).toBe(state === "finished");
        },
      ),
    );
  });

  it("treats a label's key only as data", () => {
    const [job] = fc.sample(anyJob, 1);
    if (job === undefined) throw new Error("no job");
    expect(matchesFilter({ ...job.job, labels: { a: "1" } }, { labels: [["constructor", "1"]] }, ADMIN)).toBe(false);
    expect(matchesFilter(job.job, { labels: [["a", "1"]] }, ADMIN)).toBe(false);
  });
});

it("names that differ in case or in the composition of accents fold to the same text", () => {
  expect(foldName("E\u0301TUDE")).toBe(foldName("étude"));
});
