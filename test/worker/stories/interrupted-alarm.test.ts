/** An object is lost between two commits of one alarm. The platform fires the alarm again, which completes the work. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, it, vi } from "vitest";
import { DirectoryObject } from "../../../durable-objects/directory/object.ts";
import { FINISHED_RETENTION_MS } from "../../../src/schema/limits.ts";
import { kill } from "../fan-out-fixture.ts";
import { call, env, fresh, makeJob } from "../http-fixture.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const listed = async (agent_id: string, state: string) =>
  ((await call("GET", `/v1/jobs?agent_id=${agent_id}&state=${state}`)).body.items as { id: string }[]).map(
    ({ id }) => id,
  );

it("a finishing job is listed as finished and armed for its erasure, also if it is lost before it reaches the directory", async () => {
  const agent_id = fresh("agent");
  const told = Promise.withResolvers<void>();
  const upsert = vi.spyOn(DirectoryObject.prototype, "upsert").mockImplementationOnce(() => {
    told.resolve();
    return new Promise(() => {});
  });
  const id = await makeJob({ agent_id, schedule: { at: new Date(Date.now() + 300).toISOString() } });
  await told.promise;
  await kill(env.JOB.getByName(id));
  await vi.waitUntil(async () => upsert.mock.calls.length > 1 && (await listed(agent_id, "finished")).includes(id), {
    timeout: 15_000,
    interval: 100,
  });
  const at = await runInDurableObject(env.JOB.getByName(id), (_, { storage }) => storage.getAlarm());
  expect(at).toBeGreaterThan(Date.now() + FINISHED_RETENTION_MS - 60_000);
});
