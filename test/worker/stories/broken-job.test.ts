/** One job with damaged storage beside sound ones. Calls for many jobs at once must not fail because of it. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, expect, it, vi } from "vitest";
import { SMALL_SLICES } from "../../../src/domain/limits/sweep.ts";
import { everyJob } from "../../../src/jobs/export.ts";
import { CallBudget } from "../../../src/outbound/call-budget.ts";
import { shardFor } from "../bindings.ts";
import { call, env, fresh, makeJob } from "../http-fixture.ts";

const agent_id = fresh("agent");
let [newest, broken, oldest] = ["", "", ""];
beforeAll(async () => {
  oldest = await makeJob({ agent_id });
  broken = await makeJob({ agent_id });
  newest = await makeJob({ agent_id });
  const stub = env.JOB.getByName(broken);
  await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec("UPDATE entry SET cursor = 'damaged'"));
  await evictDurableObject(stub);
});

/** The errors of this job that were logged while `act` ran. */
async function logged(jobId: string, act: () => Promise<void>): Promise<string[]> {
  const spy = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    await act();
    return spy.mock.calls.flatMap(([line]) => {
      const { job_id, message } = JSON.parse(String(line));
      return job_id === jobId ? [String(message)] : [];
    });
  } finally {
    spy.mockRestore();
  }
}

const idsOf = (body: Record<string, unknown>) => (body.items as { id: string }[]).map(({ id }) => id);

it("lists leave it out, page by page, and the log names it", async () => {
  const messages = await logged(broken, async () => {
    const all = await call("GET", `/v1/jobs?agent_id=${agent_id}`);
    expect([all.status, idsOf(all.body)]).toEqual([200, [newest, oldest]]);
    const first = await call("GET", `/v1/jobs?agent_id=${agent_id}&limit=1`);
    expect(idsOf(first.body)).toEqual([newest]);
    const second = await call("GET", `/v1/jobs?agent_id=${agent_id}&limit=1&cursor=${String(first.body.next_cursor)}`);
    expect(idsOf(second.body)).toEqual([oldest]);
    expect(second.body).not.toHaveProperty("next_cursor");
  });
  expect(new Set(messages)).toEqual(new Set(["A job could not be read and is left out of a list"]));
});

it("it keeps its place in the directory, however often lists and sweeps fail to read it", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  const shard = shardFor(`agent:${agent_id}`);
  const reports = await logged(broken, async () => {
    try {
      await call("GET", `/v1/jobs?agent_id=${agent_id}`);
      for (let minute = 0; minute < SMALL_SLICES; minute++) await shard.sweep(minute);
    } finally {
      vi.useRealTimers();
    }
  });
  expect(reports).toContain("A job could not answer the sweep");
  const listed = await shard.list({ filter: { agent_id }, limit: 10 });
  expect(listed.map(({ id }) => id)).toContain(broken);
});

it("an export is aborted rather than incomplete, and the log names it", async () => {
  const messages = await logged(broken, async () => {
    const all = everyJob({ env, budget: new CallBudget(40), callsPerWake: 40 });
    await expect(all.next()).rejects.toThrow();
  });
  expect(messages).toEqual(["A job could not be read, so the export was aborted"]);
});
