/** An all_users job, created directly in its object, with its users. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { FanOutObject } from "../../durable-objects/fan-out/object.ts";
import type { JobObject } from "../../durable-objects/job/object.ts";
import { importUsers } from "../../src/directory/roster.ts";
import type { Outcome } from "../../src/domain/failure.ts";
import { shardName } from "../../src/domain/fan-out/shard.ts";
import { ADMIN } from "../../src/domain/job/access.ts";
import { defineJob } from "../../src/domain/job/definition.ts";
import { newJob } from "../../src/domain/job/job.ts";
import { settingsOf } from "../../src/env.ts";
import { jobObject } from "../../src/objects/job.ts";
import type { FanOut } from "../../src/schema/fan-out.ts";
import { JobInput } from "../../src/schema/job.ts";
import { allShards, env as bindings, type FanOutStub, type JobStub } from "./bindings.ts";

export { bindings };

let made = 0;

export async function value<T>(outcome: Promise<Outcome<T>>): Promise<T> {
  const answer = await outcome;
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

export async function makeAllUsersJob(fields: Record<string, unknown> = {}) {
  const base = { name: "to all", message: "hello", exec_scope: "all_users", schedule: { every: "1h" } };
  const defined = defineJob(JobInput.parse({ ...base, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const id = `all-users-${made++}`;
  const now = Date.now();
  const place = { reservedAt: now, repeated: false };
  const { job } = await value(jobObject(bindings, id).create({ ...newJob(id, defined.value, now), place }));
  return {
    id,
    job,
    /** New stubs for each call, as in the Worker. */
    get api() {
      return jobObject(bindings, id);
    },
    get stub() {
      return bindings.JOB.getByName(id);
    },
  };
}

export type AllUsersJob = Awaited<ReturnType<typeof makeAllUsersJob>>;

export const shardOf = (job: AllUsersJob, shardIndex: number) =>
  bindings.FAN_OUT.getByName(shardName(job.id, shardIndex));

/**
 * Ends the object in the middle of its work. Memory and calls in flight are lost. A stub that has seen this stays
 * broken.
 */
export async function kill(stub: FanOutStub | JobStub): Promise<void> {
  const abort = (_object: unknown, state: DurableObjectState) => state.abort("killed by the test");
  await runInDurableObject<FanOutObject | JobObject, void>(stub, abort).catch(() => undefined);
}

/** Sets the roster to exactly these users. */
export async function setRoster(users: readonly string[]): Promise<void> {
  for (const shard of allShards()) {
    const { items: present } = await shard.listUsers({ afterId: "", limit: 100_000 });
    await Promise.all(present.map(({ id }) => shard.deleteUser(id)));
  }
  for (let from = 0; from < users.length; from += 1_000) {
    await importUsers(bindings, settingsOf(bindings), users.slice(from, from + 1_000), Date.now());
  }
}

export const usersNamed = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

export async function fanOutNow(job: AllUsersJob): Promise<string> {
  const begun = await value(job.api.runNow(ADMIN));
  if (!("fan_out_id" in begun)) throw new Error("an all_users job answers run now with a fan-out");
  return begun.fan_out_id;
}

/** The fan-out once it has ended. Alarms fire by themselves here, on real time. */
export function untilEnded(job: AllUsersJob, id: string, timeoutMs = 20_000): Promise<FanOut> {
  const probe = async () => {
    const fanOut = await value(job.api.fanOut(ADMIN, id));
    if (fanOut.status === "running") throw new Error(`still running: ${JSON.stringify(fanOut)}`);
    return fanOut;
  };
  return vi.waitFor(probe, { timeout: timeoutMs, interval: 20 });
}
