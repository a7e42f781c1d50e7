/** The questions to the shards about a fan-out's progress, on the test's clock: only for watchers, at a bounded rate. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FanOutProgress } from "../../../../../durable-objects/job/fan-outs/progress.ts";
import type { Listener } from "../../../../../durable-objects/job/state.ts";
import {
  endFanOut,
  type FanOut,
  type FanOutCounts,
  NO_USERS,
  openFanOut,
} from "../../../../../src/domain/fan-out/fan-out.ts";

const DEFINITION = { name: "to all", message: "hello", exec_scope: "all_users", schedule: { every: "1h" } } as const;
const PACE_MS = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const counts = (succeeded: number, total = 10): FanOutCounts => ({ ...NO_USERS, total, succeeded });

/** A job whose fan-out `no` is going, fed to `shards` shards; what these answer is the test's to change. */
function fixture({ shards = 2, sourceDone = true } = {}) {
  const fanOut = (number: number): FanOut => {
    const record = { id: "j", definition: DEFINITION } as unknown as Parameters<typeof openFanOut>[0];
    const opened = openFanOut(record, 0, { trigger: "schedule", dueAt: 0, missed: 0, number }, 0);
    return {
      ...opened,
      activeShards: Array.from({ length: shards }, (_, shardIndex) => shardIndex),
      source: { ...opened.source, done: sourceDone },
    };
  };
  const listeners = new Set<Listener>();
  const job = {
    going: undefined as FanOut | undefined,
    asked: [] as string[],
    reports: [] as string[],
    answer: (_k: number): { idle: boolean; counts: FanOutCounts } => ({ idle: false, counts: counts(0) }),
    open(number: number) {
      job.going = fanOut(number);
      job.tell(job.going);
    },
    end() {
      const ended = job.going === undefined ? undefined : endFanOut(job.going, NO_USERS, 1);
      job.going = undefined;
      job.tell(ended);
    },
    tell(turned: FanOut | undefined) {
      for (const listener of listeners) listener({ rev: 1, runs: [], job: false, fanOut: turned });
    },
    listeners,
  };
  const progress = new FanOutProgress({
    going: () => job.going,
    status: async (shardIndex, number) => {
      job.asked.push(`${number}/${shardIndex}`);
      return job.answer(shardIndex);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    report: (message) => job.reports.push(message),
  });
  const told: string[] = [];
  const watch = (into = told) =>
    progress.watch((one, { total, succeeded }) => into.push(`${one.number}: ${succeeded} of ${total}`));
  /** The number of questions since the last call. */
  const later = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return job.asked.splice(0).length;
  };
  return { job, progress, told, watch, later };
}

it("asks nothing and runs no timer without a watcher or without a running fan-out", async () => {
  const { job, watch, later } = fixture();
  job.open(1);
  expect([await later(60_000), vi.getTimerCount()]).toEqual([0, 0]);
  job.end();
  watch();
  expect([await later(60_000), vi.getTimerCount()]).toEqual([0, 0]);
});

it("gives a watcher that comes in the middle the counts at once, and then once a second as they change", async () => {
  const { job, told, watch, later } = fixture();
  job.open(1);
  watch();
  await later(0);
  expect(told).toEqual(["1: 0 of 20"]);
  for (const done of [1, 2, 3]) {
    job.answer = () => ({ idle: false, counts: counts(done) });
    expect(await later(PACE_MS)).toBe(2);
  }
  expect(told).toEqual(["1: 0 of 20", "1: 2 of 20", "1: 4 of 20", "1: 6 of 20"]);
});

it("begins by itself when a fan-out opens, stops when it ends, and begins again with the next", async () => {
  const { job, told, watch, later } = fixture();
  watch();
  job.open(1);
  await later(0);
  job.end();
  expect([await later(60_000), vi.getTimerCount()]).toEqual([0, 0]);
  job.answer = () => ({ idle: false, counts: counts(3) });
  job.open(2);
  expect([await later(0), told]).toEqual([2, ["1: 0 of 20", "2: 6 of 20"]]);
});

it("reports nothing about a fan-out that ended while its shards were asked", async () => {
  const { job, told, watch, later } = fixture();
  job.open(1);
  let answer: (value: { idle: boolean; counts: FanOutCounts }) => void = () => {};
  const slow = new Promise<{ idle: boolean; counts: FanOutCounts }>((resolve) => {
    answer = resolve;
  });
  job.answer = () => slow as never;
  watch();
  await later(0);
  job.end();
  answer({ idle: true, counts: counts(10) });
  await later(60_000);
  expect([told, vi.getTimerCount()]).toEqual([[], 0]);
});

it("stops when the last watcher leaves, in the middle of a round too", async () => {
  const { job, watch, later } = fixture({ shards: 30 });
  job.open(1);
  const [leave, leaveToo] = [watch(), watch([])];
  leave();
  expect(await later(0)).toBe(30);
  expect(await later(PACE_MS * 3)).toBe(30);
  job.answer = () => {
    leaveToo();
    return { idle: false, counts: counts(0) };
  };
  expect(await later(PACE_MS * 3)).toBe(1);
  expect([await later(60_000), vi.getTimerCount(), job.listeners.size]).toEqual([0, 0, 0]);
});

it("asks less and less often if nothing changes, at least every 8 s, and soon again if a run was changed from outside", async () => {
  const { job, progress, watch, later } = fixture({ shards: 1 });
  job.open(1);
  watch();
  await later(0);
  const rounds = [];
  for (const pause of [1, 2, 4, 8, 8]) rounds.push(await later(pause * PACE_MS - 1), await later(1));
  expect(rounds).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  progress.moved();
  expect(await later(PACE_MS)).toBe(1);
});

it("asks at most ten shards a second", async () => {
  const { job, watch, later } = fixture({ shards: 34 });
  job.open(1);
  watch();
  await later(0);
  let done = 0;
  job.answer = () => ({ idle: false, counts: counts(++done, 1_000_000) });
  expect(await later(34_000)).toBeLessThanOrEqual(340);
});

it("does not ask a shard again that is done and gets no more users", async () => {
  const { job, told, watch, later } = fixture();
  job.answer = (shardIndex) => ({ idle: shardIndex === 0, counts: counts(5) });
  job.open(1);
  watch();
  await later(0);
  await vi.advanceTimersByTimeAsync(PACE_MS);
  expect([job.asked, told.at(-1)]).toEqual([["1/1"], "1: 10 of 20"]);
});

it("asks an idle shard again while users are still being read", async () => {
  const { job, watch, later } = fixture({ sourceDone: false });
  job.answer = () => ({ idle: true, counts: counts(5) });
  job.open(1);
  watch();
  await later(0);
  expect(await later(PACE_MS)).toBe(2);
});

it("continues without an unreachable shard, with its last counts and one log line until it answers again", async () => {
  const { job, told, watch, later } = fixture();
  job.answer = () => ({ idle: false, counts: counts(1) });
  job.open(1);
  watch();
  await later(0);
  const broken = (shardIndex: number) => {
    if (shardIndex === 0) throw new Error("overloaded");
    return { idle: false, counts: counts(2) };
  };
  job.answer = broken;
  await later(PACE_MS * 4);
  expect([told.at(-1), job.reports.length]).toEqual(["1: 3 of 20", 1]);
  job.answer = () => ({ idle: false, counts: counts(4) });
  await later(PACE_MS * 8);
  job.answer = broken;
  await later(PACE_MS * 8);
  expect([told.at(-1), job.reports.length]).toEqual(["1: 6 of 20", 2]);
});
