/** Changes of one job that wait for the directory's leave. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import type { JobFanOuts } from "../../../../durable-objects/job/fan-outs.ts";
import { JobPlace } from "../../../../durable-objects/job/listing.ts";
import type { JobLoop } from "../../../../durable-objects/job/loop.ts";
import { JobHolder } from "../../../../durable-objects/job/state.ts";
import { notFound } from "../../../../src/domain/failure.ts";
import { ok } from "../../../../src/domain/result.ts";
import { env, fresh, makeJob } from "../../http-fixture.ts";

it("a change that comes while several wait, comes after the last of them", async () => {
  const user_id = fresh("user");
  const id = await makeJob({ user_id });
  await runInDurableObject(env.JOB.getByName(id), async (_instance, { storage }) => {
    const holder = new JobHolder(storage, 10);
    const loop = { poke() {} } as unknown as JobLoop;
    const place = new JobPlace(env, holder, loop, {} as JobFanOuts);
    const move = () => {
      const record = holder.state?.record;
      if (record === undefined) return notFound("job");
      const definition = { ...record.definition, user_id: `${user_id}-moved` };
      return ok({ record: { ...record, definition, version: record.version + 1 } });
    };
    const refused = place.enter(() => notFound("job"), 1_000);
    const moved = place.enter(move, 1_000);
    expect((await refused).ok).toBe(false);
    await place.settled();
    expect(holder.state?.record.definition.user_id).toBe(`${user_id}-moved`);
    expect((await moved).ok).toBe(true);
  });
});
