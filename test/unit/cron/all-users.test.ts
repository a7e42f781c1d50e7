/** The tick asks every all_users job, even with few calls in one invocation. */
import { describe, expect, it } from "vitest";
import { tickAllUsers } from "../../../src/cron/all-users.ts";
import { tickEach } from "../../../src/directory/tick-jobs.ts";
import type { Env } from "../../../src/env.ts";
import { CallBudget } from "../../../src/outbound/call-budget.ts";

const LIMIT = 40;
const MINUTE_MS = 60_000;

/** A platform with so many calls an invocation; a shard of the directory is one of its own. */
function platform() {
  const asked: string[] = [];
  const calls = { worker: 0, mostInAShard: 0 };
  const job = (onCall: () => void) => ({
    getByName: (id: string) => ({
      tick: async () => {
        onCall();
        asked.push(id);
      },
    }),
  });
  const directory = {
    getByName: () => ({
      tickJobs: async (ids: readonly string[], at: number) => {
        calls.worker++;
        let made = 0;
        await tickEach(envOf({ JOB: job(() => made++) }), ids, at, new CallBudget(LIMIT));
        calls.mostInAShard = Math.max(calls.mostInAShard, made);
      },
    }),
  };
  return { asked, calls, env: envOf({ JOB: job(() => calls.worker++), DIRECTORY: directory }) };
}

const envOf = (bindings: object) => bindings as unknown as Env;
const jobs = (count: number) => Array.from({ length: count }, (_, i) => `job-${i}`);

describe("a tick with more all_users jobs than its invocation has calls", () => {
  it.each([0, 5, 24, 25, 300, 960])("asks %i jobs, each once, within the calls of every invocation", async (count) => {
    const { asked, calls, env } = platform();
    await tickAllUsers(env, jobs(count), 0, new CallBudget(LIMIT - 16), LIMIT);
    expect([...asked].sort()).toEqual(jobs(count).sort());
    expect(calls.worker).toBeLessThanOrEqual(LIMIT - 16);
    expect(calls.mostInAShard).toBeLessThanOrEqual(LIMIT);
  });

  it("begins with other jobs at the next tick if one tick cannot ask all, so that no job waits for ever", async () => {
    const { asked, env } = platform();
    for (let minute = 0; minute < 3; minute++) {
      await tickAllUsers(env, jobs(2_500), minute * MINUTE_MS, new CallBudget(LIMIT - 16), LIMIT);
    }
    expect(new Set(asked).size).toBe(2_500);
  });
});
