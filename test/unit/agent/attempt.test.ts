/**
 * Code in place of the agent: handlers, their return values, and listeners. The registry is a module's, so tests that need
 * it empty load it again.
 */
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunToCall } from "../../../src/agent/body.ts";
import { defineJob } from "../../../src/domain/job/definition.ts";
import { type Env, settingsOf } from "../../../src/env.ts";
import { TimedDeadline } from "../../../src/outbound/deadline.ts";
import { JobInput } from "../../../src/schema/job.ts";

const NOW = Date.UTC(2026, 10, 23, 9, 0, 0);
// No binding is used when a handler runs in place of the agent.
const ENV = {} as Env;
const SETTINGS = settingsOf({});

async function fresh() {
  vi.resetModules();
  const { callJob, notifyListeners } = await import("../../../src/agent/attempt.ts");
  const { addRunListener, setJobHandler } = await import("../../../src/hooks/job-hooks.ts");
  const { registerBuiltin, registeredBuiltins } = await import("../../../src/hooks/builtins.ts");
  const tasks = await import("../../../src/hooks/tasks.ts");
  return { callJob, notifyListeners, addRunListener, setJobHandler, registerBuiltin, registeredBuiltins, ...tasks };
}
let hooks: Awaited<ReturnType<typeof fresh>>;
const reload = async () => {
  hooks = await fresh();
};
beforeAll(reload);

const run: RunToCall = {
  id: "j1-s1",
  jobId: "j1",
  sessionId: "scheduler:j1",
  trigger: "schedule",
  dueAt: NOW,
  startedAt: NOW,
  attempt: 1,
};

function call(
  fields: Record<string, unknown> = {},
  options: { timeoutMs?: number; attempt?: number; signal?: AbortSignal } = {},
) {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const job = { definition: defined.value.definition, maxAttempts: 3 };
  const deadline = new TimedDeadline(options.timeoutMs ?? 1_000, options.signal);
  const io = { now: () => NOW, deadline };
  return hooks
    .callJob(ENV, SETTINGS, job, { ...run, attempt: options.attempt ?? 1 }, io)
    .finally(() => deadline.close());
}

describe("the job handler", () => {
  it("gets a copy, like each listener, so its changes do not affect the job", async () => {
    const payload = { list: [1] };
    const spoil = ({ job }: { readonly job: { readonly payload?: Record<string, unknown> | undefined } }) => {
      const { list } = job.payload ?? {};
      if (Array.isArray(list)) list.push(2);
      return JSON.stringify(job.payload);
    };
    const heard: unknown[] = [];
    hooks.setJobHandler(spoil);
    hooks.addRunListener((ended) => void heard.push(spoil(ended)));
    hooks.addRunListener((ended) => void heard.push(spoil(ended)));
    expect(await call({ payload })).toEqual({ kind: "success", output: '{"list":[1,2]}' });
    expect([payload, heard]).toEqual([{ list: [1] }, ['{"list":[1,2]}', '{"list":[1,2]}']]);
    await reload();
  });

  it("gets the job, the run and the session", async () => {
    let got: unknown;
    hooks.setJobHandler((given) => {
      got = given;
    });
    await call({ name: "digest" });
    expect(got).toMatchObject({
      job: { id: "j1", name: "digest" },
      run: { id: "j1-s1", job_id: "j1", scheduled_at: "2026-11-23T09:00:00.000Z", attempt: 1 },
      sessionId: "scheduler:j1",
    });
  });

  it.each([
    { returned: "text", answer: { kind: "success", output: "text" } },
    { returned: { a: [1] }, answer: { kind: "success", output: '{"a":[1]}' } },
    { returned: undefined, answer: { kind: "success" } },
    { returned: "", answer: { kind: "success" } },
    { returned: 7n, answer: { kind: "success" } },
    { returned: new TypeError("no"), answer: { kind: "refused", reason: "TypeError: no" } },
  ])("that returns $returned answers $answer", async ({ returned, answer }) => {
    hooks.setJobHandler(() => returned);
    expect(await call()).toEqual(answer);
  });

  it("that throws, at once or later, is an error that is not tried again", async () => {
    hooks.setJobHandler(() => {
      throw new Error("at once");
    });
    expect(await call()).toEqual({ kind: "refused", reason: "Error: at once" });
    hooks.setJobHandler(() => Promise.reject(new Error("later")));
    expect(await call()).toEqual({ kind: "refused", reason: "Error: later" });
  });

  it("that outlasts the timeout is aborted and tried again", async () => {
    let signal: AbortSignal | undefined;
    hooks.setJobHandler((given) => {
      signal = given.signal;
      return new Promise(() => undefined);
    });
    expect(await call({}, { timeoutMs: 5 })).toEqual({
      kind: "retryable",
      reason: "timed out after 5ms: the handler has not returned",
    });
    expect(signal?.aborted).toBe(true);
  });

  it("is aborted by a cancellation", async () => {
    hooks.setJobHandler(() => new Promise(() => undefined));
    const controller = new AbortController();
    const answer = call({}, { signal: controller.signal });
    controller.abort();
    expect(await answer).toEqual({ kind: "aborted" });
  });

  it("keeps 16 KiB of its output", async () => {
    hooks.setJobHandler(() => "x".repeat(20_000));
    expect(await call()).toMatchObject({ kind: "success", outputTruncated: true, output: "x".repeat(16_384) });
  });
});

describe("a builtin", () => {
  const builtin = { name: "b", schedule: { every: "1h" } };
  beforeEach(reload);

  it("runs its own handler, before the job handler", async () => {
    hooks.setJobHandler(() => "general");
    hooks.registerBuiltin({ ...builtin, handler: () => "own" });
    const [registered] = hooks.registeredBuiltins();
    expect(await call({ ...registered?.input })).toMatchObject({ output: "own" });
    expect(await call({ name: "b" })).toMatchObject({ output: "general" });
  });

  it("without its handler in the code ends as an error that says so, and nothing else is called", async () => {
    hooks.registerBuiltin({ ...builtin, handler: () => "own" });
    const [registered] = hooks.registeredBuiltins();
    hooks = await fresh();
    hooks.setJobHandler(() => "general");
    expect(await call({ ...registered?.input })).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("handler is not registered"),
    });
  });

  it("has another version when its fields change, and the same one when it is only registered again", async () => {
    const versions = [];
    for (const schedule of [{ every: "1h" }, { every: "1h" }, { every: "2h" }]) {
      hooks = await fresh();
      hooks.registerBuiltin({ name: "b", schedule, message: "m" });
      versions.push(hooks.registeredBuiltins()[0]?.version);
    }
    expect(versions[0]).toBe(versions[1]);
    expect(versions[0]).not.toBe(versions[2]);
  });

  it.each([[{}], [{ message: "" }], [{ message: 7 }], [{ handler: "digest" }]])(
    "with neither message nor handler throws where it is registered: %j",
    (what) => {
      const wrong: unknown = { ...builtin, ...what };
      expect(() => hooks.registerBuiltin(wrong as Parameters<typeof hooks.registerBuiltin>[0])).toThrow(
        /registerBuiltin\("b"\): (give a message for the agent, or a handler|handler must be a function)/,
      );
      expect(hooks.registeredBuiltins()).toEqual([]);
    },
  );

  it("that is wrong, or registered twice, throws where it is registered", () => {
    expect(() => hooks.registerBuiltin({ name: "b", schedule: { cron: "nonsense" }, message: "m" })).toThrow(
      /registerBuiltin\("b"\): schedule/,
    );
    hooks.registerBuiltin({ ...builtin, message: "m" });
    expect(() => hooks.registerBuiltin({ ...builtin, message: "m" })).toThrow('there is a builtin "b" already');
  });
});

describe("listeners", () => {
  const heard: unknown[] = [];
  beforeEach(async () => {
    await reload();
    heard.length = 0;
    hooks.addRunListener(({ run: ended }) => void heard.push(ended));
  });

  it("hear of a success with its output, and of an error with its reason", async () => {
    hooks.setJobHandler(() => "done");
    await call();
    hooks.setJobHandler(() => new Error("no"));
    await call();
    expect(heard).toMatchObject([
      { id: "j1-s1", status: "success", output: "done" },
      { id: "j1-s1", status: "error", error: "Error: no" },
    ]);
  });

  it("hear of a failed attempt only if it was the last", async () => {
    hooks.setJobHandler(() => new Promise(() => undefined));
    await call({}, { timeoutMs: 1, attempt: 2 });
    expect(heard).toEqual([]);
    await call({}, { timeoutMs: 1, attempt: 3 });
    expect(heard).toHaveLength(1);
  });

  it("are all called, and the first that throws or returns an error turns a success into an error", async () => {
    hooks.addRunListener(() => new Error("first"));
    hooks.addRunListener(() => {
      throw new Error("second");
    });
    const last = vi.fn();
    hooks.addRunListener(last);
    hooks.setJobHandler(() => "done");
    expect(await call()).toEqual({ kind: "refused", reason: "a run listener failed: Error: first" });
    expect(last).toHaveBeenCalledOnce();
    hooks.setJobHandler(() => new Error("its own"));
    expect(await call()).toEqual({ kind: "refused", reason: "Error: its own" });
  });

  it("that never answer cost only their time: the run is an error that says so, and the next listener is called", async () => {
    vi.useFakeTimers();
    try {
      hooks.addRunListener(() => new Promise(() => undefined));
      const last = vi.fn();
      hooks.addRunListener(last);
      hooks.setJobHandler(() => "done");
      const answer = call({}, { timeoutMs: 1_000 });
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await answer).toEqual({
        kind: "refused",
        reason: "a run listener failed: it did not answer within 5s",
      });
      expect(last).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it("that throw what cannot be read are errors like any other", async () => {
    hooks.addRunListener(() => {
      throw Object.create(null);
    });
    hooks.setJobHandler(() => "done");
    expect(await call()).toEqual({
      kind: "refused",
      reason: "a run listener failed: it threw a value that cannot be read",
    });
  });

  it("that return an unreadable value do not throw: the run still ends, and so does a completion", async () => {
    const trap = (): never => {
      throw new Error("no prototype here");
    };
    hooks.addRunListener(() => new Proxy({}, { getPrototypeOf: trap }));
    hooks.setJobHandler(() => "done");
    const reason = "a run listener failed: Error: no prototype here";
    expect(await call()).toEqual({ kind: "refused", reason });
    const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" } }));
    if (!defined.ok) throw new Error("the job is valid");
    const body = { status: "success" } as const;
    expect(await hooks.notifyListeners(defined.value.definition, run, body)).toEqual({
      status: "error",
      error: reason,
    });
  });

  it("hear of a completion too, and may object to it", async () => {
    const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "1h" } }));
    if (!defined.ok) throw new Error("the job is valid");
    const body = { status: "success", output: { a: 1 } } as const;
    expect(await hooks.notifyListeners(defined.value.definition, run, body)).toEqual(body);
    expect(heard).toMatchObject([{ status: "success", output: '{"a":1}' }]);
    hooks.addRunListener(() => new Error("no"));
    expect(await hooks.notifyListeners(defined.value.definition, run, body)).toMatchObject({
      status: "error",
      error: "a run listener failed: Error: no",
    });
  });
});

describe("interval tasks", () => {
  beforeEach(reload);

  it.each(["999ms", "0s", "-1s", "nonsense", "366d", ""])(
    "refuse the interval %j where they are registered",
    (every) => {
      expect(() => hooks.scheduleEvery(every, "t", () => undefined)).toThrow(`scheduleEvery("${every}", "t"): every `);
      expect(hooks.intervalTasks()).toEqual([]);
    },
  );

  it("have names of their own, also beside those of whole minutes", () => {
    hooks.everyMinutes(1, "t", () => undefined);
    expect(() => hooks.scheduleEvery("1s", "t", () => undefined)).toThrow('there is a task "t" already');
    hooks.scheduleEvery("1.5s", "u", () => undefined);
    expect(hooks.intervalTasks()).toMatchObject([{ name: "u", everyMs: 1_500 }]);
  });
});

describe("tasks", () => {
  beforeAll(reload);

  it("are due at every minute since 1970 that their number divides", () => {
    hooks.everyMinutes(1, "each", () => undefined);
    hooks.everyMinutes(5, "five", () => undefined);
    hooks.everyMinutes(60, "hour", () => undefined);
    const due = (at: number) => hooks.tasksDueAt(at).map(({ name }) => name);
    expect(due(NOW)).toEqual(["each", "five", "hour"]);
    expect(due(NOW + 60_000)).toEqual(["each"]);
    expect(due(NOW + 5 * 60_000 + 59_999)).toEqual(["each", "five"]);
  });

  it.each([0, -1, 1.5, Number.NaN])("cannot run every %d minutes", (minutes) => {
    expect(() => hooks.everyMinutes(minutes, "t", () => undefined)).toThrow("a whole number from 1");
  });

  it("have a name each", () => {
    hooks.everyMinutes(1, "t", () => undefined);
    expect(() => hooks.everyMinutes(2, "t", () => undefined)).toThrow("there is a task");
  });
});
