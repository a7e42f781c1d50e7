/** `fan_out` events of a job, in workerd, from the opening of a fan-out to its end. */

import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { FanOutObject } from "../../../../durable-objects/fan-out/object.ts";
import type { JobObject } from "../../../../durable-objects/job/object.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import {
  type AllUsersJob,
  fanOutNow,
  kill,
  makeAllUsersJob,
  setRoster,
  shardOf,
  untilEnded,
  usersNamed,
  value,
} from "../../fan-out-fixture.ts";
import { countRows } from "../../rows-written.ts";

vi.setConfig({ testTimeout: 30_000 });
const eventually = <T>(probe: () => T | Promise<T>): Promise<T> => vi.waitFor(probe, { timeout: 15_000, interval: 20 });

const ONE_SHARD = { fan_out: { concurrency: 6 } };
const scripted = (script: Record<string, unknown>) => ({ message: JSON.stringify(script), ...ONE_SHARD });
/** Runs that wait until they are completed. */
const WAITING = scripted({ status: 202 });

const FanOutData = z.looseObject({ id: z.string(), status: z.string(), total: z.int(), pending: z.int() });
type Event = { readonly id: string | undefined; readonly event: string; readonly data: string };

const watched = new Set<AllUsersJob>();
beforeEach(() => setRoster(["ann", "bob", "cem"]));
afterEach(async () => {
  vi.restoreAllMocks();
  // Their streams end with them.
  for (const job of watched) await job.api.remove(ADMIN);
  watched.clear();
});

async function listen(job: AllUsersJob, lastEventId?: number) {
  const stream: ReadableStream<Uint8Array> = await value(job.api.events(ADMIN, lastEventId));
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const events: Event[] = [];
  let text = "";
  const read = async () => {
    for (;;) {
      const chunk = await reader.read();
      if (chunk.done) return;
      const blocks = (text + chunk.value).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
        if (!block.startsWith(":"))
          events.push({ id: field("id"), event: field("event") ?? "", data: field("data") ?? "" });
      }
    }
  };
  read().catch(() => undefined);
  watched.add(job);
  return {
    events,
    leave: () => reader.cancel().catch(() => undefined),
    fanOuts: () =>
      events
        .filter(({ event }) => event === "fan_out")
        .map(({ id, data }) => ({ eventId: id, ...FanOutData.parse(JSON.parse(data)) })),
    /** A client's Last-Event-ID as the number of the write that HTTP makes of it. */
    lastId: () => Number.parseInt(events.findLast(({ id }) => id !== undefined)?.id ?? "", 10),
  };
}

type Listener = Awaited<ReturnType<typeof listen>>;

const hasEnded = (listener: Listener, fanOutId: string) =>
  eventually(() => expect(listener.fanOuts().at(-1)).toMatchObject({ id: fanOutId, status: "success" }));

const waitingRuns = (job: AllUsersJob) =>
  eventually(async () => {
    const { items } = await value(job.api.runs(ADMIN, { limit: 10, status: "running" }));
    expect(items).toHaveLength(3);
    for (const run of items) expect(run.completion_due_at).toBeDefined();
    return items;
  });

const complete = (job: AllUsersJob, runId: string) => value(job.api.completeRun(ADMIN, runId, { status: "success" }));

describe("a listener", () => {
  it("hears when a fan-out opens and ends, with the same view as in a GET, and growing ids", async () => {
    const job = await makeAllUsersJob(ONE_SHARD);
    const listener = await listen(job);
    const id = await fanOutNow(job);
    const ended = await untilEnded(job, id);
    await eventually(() => expect(listener.events.at(-1)).toMatchObject({ event: "job" }));
    const fanOuts = listener.events.filter(({ event }) => event === "fan_out");
    expect(JSON.parse(fanOuts[0]?.data ?? "")).toMatchObject({ id, status: "running", total: 0, pending: 0 });
    expect(JSON.parse(fanOuts.at(-1)?.data ?? "")).toEqual(ended);
    expect([fanOuts[0]?.id, fanOuts.at(-1)?.id]).toEqual([expect.anything(), expect.anything()]);
    const ids = listener.events.flatMap((event) => (event.id === undefined ? [] : [Number(event.id)]));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  it("gets the counts as they change, never the same twice, in events without an id", async () => {
    await setRoster(usersNamed("slow", 30));
    const job = await makeAllUsersJob(scripted({ delay_ms: 600 }));
    const listener = await listen(job);
    const id = await fanOutNow(job);
    await hasEnded(listener, id);
    const told = listener.fanOuts();
    const [opened, ...progress] = told.slice(0, -1);
    expect(opened).toMatchObject({ status: "running", total: 0 });
    expect(progress.length).toBeGreaterThanOrEqual(2);
    expect(told.at(-1)).toMatchObject({ status: "success", total: 30, succeeded: 30, pending: 0 });
    for (const one of progress) expect(one).toMatchObject({ status: "running", total: 30 });
    const data = listener.events.filter(({ event }) => event === "fan_out");
    expect(data.slice(1, -1).map((event) => event.id)).toEqual(progress.map(() => undefined));
    expect(new Set(data.map((event) => event.data)).size).toBe(data.length);
  });

  it("hears of a run that is completed from outside within the pace, even after a long pause", async () => {
    const job = await makeAllUsersJob(WAITING);
    const listener = await listen(job);
    await fanOutNow(job);
    const [first] = await waitingRuns(job);
    await eventually(() => expect(listener.fanOuts().at(-1)).toMatchObject({ total: 3, pending: 3 }));
    await complete(job, first?.id ?? "");
    await eventually(() => expect(listener.fanOuts().at(-1)).toMatchObject({ succeeded: 1, pending: 2 }));
  });

  it("of a job whose fan-out is read page by page does not get the unchanged job each time", async () => {
    const job = await makeAllUsersJob(WAITING);
    const listener = await listen(job);
    await fanOutNow(job);
    await waitingRuns(job);
    expect(listener.events.map(({ event }) => event)).not.toContain("run");
    expect(listener.events.filter(({ event }) => event === "job")).toHaveLength(1);
  });
});

describe("a listener that comes", () => {
  it("in the middle of a fan-out gets the present counts at once, with and without a last id", async () => {
    const job = await makeAllUsersJob(WAITING);
    const first = await listen(job);
    await fanOutNow(job);
    const [run] = await waitingRuns(job);
    await complete(job, run?.id ?? "");
    await first.leave();
    for (const lastId of [undefined, first.lastId()]) {
      const listener = await listen(job, lastId);
      await eventually(() => expect(listener.fanOuts()).toHaveLength(1));
      expect(listener.fanOuts()).toMatchObject([{ eventId: undefined, status: "running", total: 3, succeeded: 1 }]);
    }
  });

  it("back after the end hears of the end, and of no fan-out that had ended before its last id", async () => {
    const job = await makeAllUsersJob(ONE_SHARD);
    const first = await listen(job);
    const seen = await fanOutNow(job);
    await hasEnded(first, seen);
    await eventually(() => expect(first.events.at(-1)?.event).toBe("job"));
    await first.leave();
    const missed = await fanOutNow(job);
    const ended = await untilEnded(job, missed);

    const second = await listen(job, first.lastId());
    await eventually(() => expect(second.events.at(-1)?.event).toBe("job"));
    expect(second.events.map(({ event }) => event)).toEqual(["fan_out", "job"]);
    expect(JSON.parse(second.events[0]?.data ?? "")).toEqual(ended);
    expect(second.events.every(({ id }) => id !== undefined)).toBe(true);

    const third = await listen(job, second.lastId());
    const fourth = await listen(job);
    await eventually(() => expect(fourth.events.map(({ event }) => event)).toEqual(["job"]));
    expect(third.events).toEqual([]);
  });

  it("back after the object lost its memory misses nothing, since a fan-out's writes are numbered in storage", async () => {
    const job = await makeAllUsersJob(WAITING);
    const id = await fanOutNow(job);
    const runs = await waitingRuns(job);
    const first = await listen(job);
    await eventually(() => expect(first.lastId()).toBeGreaterThan(1));
    await kill(job.stub);
    for (const run of runs) await complete(job, run.id);
    const ended = await untilEnded(job, id);
    const second = await listen(job, first.lastId());
    await eventually(() => expect(second.events.at(-1)?.event).toBe("job"));
    expect(second.events.map(({ data }) => JSON.parse(data))).toMatchObject([ended, { run_count: 3 }]);
    expect(second.lastId()).toBeGreaterThan(first.lastId());
  });

  it("back in the middle of missed events misses nothing, since they are sent from the last whole write", async () => {
    const job = await makeAllUsersJob(ONE_SHARD);
    for (let i = 0; i < 3; i++) await untilEnded(job, await fanOutNow(job));
    const whole = await listen(job, 1);
    await eventually(() => expect(whole.events.at(-1)?.event).toBe("job"));
    expect(whole.fanOuts()).toHaveLength(3);
    for (const [index, { id }] of whole.events.slice(0, -1).entries()) {
      const rest = await listen(job, Number.parseInt(id ?? "", 10));
      await eventually(() => expect(rest.events.at(-1)?.event).toBe("job"));
      const after = rest.events.map(({ data }) => data);
      expect(after).toEqual(expect.arrayContaining(whole.events.slice(index + 1).map(({ data }) => data)));
    }
  });
});

describe("asking the shards", () => {
  it("writes no row, in the job or in a shard", async () => {
    const job = await makeAllUsersJob(WAITING);
    await fanOutNow(job);
    await waitingRuns(job);
    const asked = vi.spyOn(FanOutObject.prototype, "status");
    const listener = await listen(job);
    await eventually(() => expect(listener.fanOuts()).toHaveLength(1));
    const counters = [await countRows(job.stub), await countRows(shardOf(job, 0))];
    const before = asked.mock.calls.length;
    await eventually(() => expect(asked.mock.calls.length).toBeGreaterThan(before + 1));
    expect(counters.map((count) => count())).toEqual([0, 0]);
  });

  it("ends when the last listener cancels its stream, at once if the object sees it", async () => {
    const job = await makeAllUsersJob(WAITING);
    await fanOutNow(job);
    await waitingRuns(job);
    const asked = vi.spyOn(FanOutObject.prototype, "status");
    await runInDurableObject(job.stub, async (instance: JobObject) => {
      const [first, second] = [await value(instance.events(ADMIN)), await value(instance.events(ADMIN))];
      await first.cancel();
      const withOne = asked.mock.calls.length;
      await eventually(() => expect(asked.mock.calls.length).toBeGreaterThan(withOne));
      await second.cancel();
      const withNone = asked.mock.calls.length;
      // This is longer than the next pause of a watched fan-out. There is no event to wait for.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(asked.mock.calls.length).toBe(withNone);
    });
  });

  it("ends with the next event for a listener that has gone without a word", async () => {
    const job = await makeAllUsersJob(WAITING);
    await fanOutNow(job);
    const runs = await waitingRuns(job);
    const asked = vi.spyOn(FanOutObject.prototype, "status");
    const listener = await listen(job);
    await eventually(() => expect(listener.fanOuts()).toHaveLength(1));
    await listener.leave();
    await complete(job, runs[0]?.id ?? "");
    const next = asked.mock.calls.length + 1;
    await eventually(() => expect(asked.mock.calls.length).toBeGreaterThanOrEqual(next));
    const last = asked.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(asked.mock.calls.length).toBe(last);
  });

  it("of a shard that fails leaves the stream open, and the end is sent", async () => {
    const job = await makeAllUsersJob(WAITING);
    const listener = await listen(job);
    await fanOutNow(job);
    const runs = await waitingRuns(job);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = vi.spyOn(FanOutObject.prototype, "status").mockRejectedValue(new Error("overloaded"));
    await eventually(() => expect(logged.mock.calls.flat().join()).toContain("does not tell listeners"));
    broken.mockRestore();
    for (const run of runs) await complete(job, run.id);
    await eventually(() => expect(listener.fanOuts().at(-1)).toMatchObject({ status: "success", succeeded: 3 }));
  });
});
