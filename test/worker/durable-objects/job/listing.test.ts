/** Changes of one job that wait for the directory's admission. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { JobListing } from "../../../../durable-objects/job/listing.ts";
import { JobState } from "../../../../durable-objects/job/state.ts";
import { notFound } from "../../../../src/domain/failure.ts";
import { ok } from "../../../../src/domain/result.ts";
import { env, fresh, makeJob } from "../../http-fixture.ts";

it("a change that comes while several wait is made after the last of them", async () => {
  const user_id = fresh("user");
  const id = await makeJob({ user_id });
  await runInDurableObject(env.JOB.getByName(id), async (_instance, { storage }) => {
    const state = new JobState(storage, 10);
    const listing = new JobListing(env, state, { failedRuns: async () => [], report: () => undefined });
    const move = () => {
      const record = state.current?.record;
      if (record === undefined) return notFound("job");
      const definition = { ...record.definition, user_id: `${user_id}-moved` };
      return ok({ record: { ...record, definition, version: record.version + 1 } });
    };
    const refused = listing.enter(() => notFound("job"), { maxJobs: 1_000 });
    const moved = listing.enter(move, { maxJobs: 1_000 });
    expect((await refused).ok).toBe(false);
    await listing.settled();
    expect(state.current?.record.definition.user_id).toBe(`${user_id}-moved`);
    expect((await moved).ok).toBe(true);
  });
});
