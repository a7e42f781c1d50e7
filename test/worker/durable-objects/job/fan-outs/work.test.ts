/** The work on a fan-out under a platform that refuses calls. A call that was not made has not failed. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { JobFanOuts } from "../../../../../durable-objects/job/fan-outs/fan-outs.ts";
import { JobState } from "../../../../../durable-objects/job/state.ts";
import { settingsOf } from "../../../../../src/env.ts";
import { CallBudget } from "../../../../../src/outbound/call-budget.ts";
import { env } from "../../../bindings.ts";
import { makeAllUsersJob, setRoster } from "../../../fan-out-fixture.ts";

it.each([
  ["the roster", {}],
  ["ACTIVE_USERS_URL", { ACTIVE_USERS_URL: "https://users.test/" }],
])("a page of %s that the platform allows no call for has not failed: the next wake reads it", async (_name, set) => {
  await setRoster(["u1"]);
  const job = await makeAllUsersJob({ retry: { max_attempts: 1 } });
  await runInDurableObject(job.stub, async (_object, { storage }) => {
    const state = new JobState(storage, 100);
    const refuse = () => Promise.reject(new Error("Too many subrequests by single Worker invocation."));
    const shard = new Proxy({}, { get: () => refuse });
    const limited = { ...env, DIRECTORY: { getByName: () => shard } } as unknown as typeof env;
    const effects = { now: () => Date.now(), random: () => 0, held: () => undefined, report: () => undefined };
    const fanOuts = new JobFanOuts(limited, { ...settingsOf(env), ...set }, state, effects);
    const { current } = state;
    if (current === undefined) throw new Error("There is no job");
    const begun = fanOuts.runNow(current, {}, "nonce");
    if (!begun.ok) throw new Error(JSON.stringify(begun.error));
    const realFetch = globalThis.fetch;
    globalThis.fetch = refuse;
    const budget = new CallBudget(40);
    try {
      await fanOuts.work(budget);
    } finally {
      globalThis.fetch = realFetch;
    }
    expect(state.going?.source).toEqual({ handed: 0, failures: 0, done: false });
    expect([budget.left, (state.going?.wakeAt ?? 0) > Date.now()]).toEqual([0, true]);
  });
});
