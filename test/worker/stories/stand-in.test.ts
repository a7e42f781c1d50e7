/** Calls and alarms do the work of a missing tick, and an event reports it (docs/contract.md §18). /metrics shows the state. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { JobObject } from "../../../durable-objects/job/object.ts";
import { tick } from "../../../src/cron/tick.ts";
import { env } from "../bindings.ts";
import { agentToken, call, expectProblem, fresh, makeJob } from "../http-fixture.ts";

const MINUTE = 60_000;
const at = (ms: number): void => {
  vi.useFakeTimers({ toFake: ["Date"], now: ms });
};
afterEach(() => void vi.useRealTimers());

const stoodIn = async (): Promise<number> => {
  const { body } = await call("GET", "/v1/stats");
  return (body.tick as { stood_in: number }).stood_in;
};
const eventually = <T>(act: () => Promise<T>): Promise<T> => vi.waitFor(act, { timeout: 10_000, interval: 20 });

describe("when no tick has come for two minutes", () => {
  it("the next call of the API does its work, once, and an event reports it", async () => {
    const start = Date.now() + 10 * MINUTE;
    at(start);
    await tick(start, env, start);
    const before = await stoodIn();
    const id = await makeJob({ exec_scope: "all_users", schedule: { every: "1m" } });
    at(start + 119_000);
    await call("GET", `/v1/jobs/${id}`);
    expect(await stoodIn()).toBe(before);

    at(start + 2 * MINUTE + 1_000);
    await Promise.all([1, 2, 3].map(() => call("GET", `/v1/jobs/${id}`)));
    await eventually(async () => expect(await stoodIn()).toBe(before + 1));
    await eventually(async () => {
      const fanOuts = await call("GET", `/v1/jobs/${id}/fan-outs`);
      expect(fanOuts.body.items).toHaveLength(1);
    });
    const late = await call("GET", "/v1/events?type=tick.late");
    const [event] = late.body.items as { message: string; job_id?: string }[];
    expect(event?.message).toMatch(/^No tick came for 2m1s; an alarm or a call has done its work/);
    expect(event?.job_id).toBeUndefined();

    at(start + 3 * MINUTE);
    await call("GET", `/v1/jobs/${id}`);
    expect(await stoodIn()).toBe(before + 1);
  });

  it("an alarm of a job does it too", async () => {
    const start = Date.now() + 60 * MINUTE;
    at(start);
    await tick(start, env, start);
    const before = await stoodIn();
    const id = await makeJob({ schedule: { every: "1h" } });
    at(start + 61 * MINUTE);
    await runInDurableObject(env.JOB.getByName(id), (job: JobObject) => job.alarm());
    await eventually(async () => expect(await stoodIn()).toBe(before + 1));
  });

  it("a clock that was set back delays this by no more than two minutes", async () => {
    const start = Date.now() + 600 * MINUTE;
    at(start);
    await tick(start, env, start);
    const before = await stoodIn();
    at(start - 300 * MINUTE);
    await call("GET", "/v1/jobs");
    expect(await stoodIn()).toBe(before);
    at(start - 297 * MINUTE);
    await call("GET", "/v1/jobs");
    await eventually(async () => expect(await stoodIn()).toBe(before + 1));
  });
});

describe("/metrics", () => {
  it("is Prometheus text, for the operator", async () => {
    const got = await call("GET", "/metrics");
    expect(got.status).toBe(200);
    expect(got.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of [
      /^# TYPE reveille_jobs gauge$/m,
      /^reveille_jobs\{state="active"\} \d+$/m,
      /^reveille_events_total\{type="run\.failed"\} \d+$/m,
      /^reveille_jobs_overdue \d+$/m,
      /^reveille_offers_waiting \d+$/m,
      /^reveille_tick_age_seconds [\d.]+$/m,
    ]) {
      expect(got.text).toMatch(line);
    }
    expect(got.text.endsWith("\n")).toBe(true);
  });

  it("is refused to others", async () => {
    expectProblem(await call("GET", "/metrics", { token: undefined }), 401, "unauthorized");
    expectProblem(await call("GET", "/metrics", { token: "nonsense" }), 401, "unauthorized");
    const agent = await agentToken({ agent_id: fresh("agent") });
    expectProblem(await call("GET", "/metrics", { token: agent }), 403, "forbidden");
  });
});
