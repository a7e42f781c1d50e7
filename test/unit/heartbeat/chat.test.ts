import { describe, expect, it } from "vitest";
import { ok } from "../../../src/domain/result.ts";
import type { WorkersAi } from "../../../src/env.ts";
import { type Env, settingsOf } from "../../../src/env.ts";
import { askChat } from "../../../src/heartbeat/chat.ts";
import {
  type ChatFunction,
  heartbeatHooks,
  type NotifyFunction,
  onHeartbeatChat,
  onHeartbeatNotify,
} from "../../../src/hooks/heartbeat.ts";
import { notifyAll } from "../../../src/notify/notify.ts";

const request = {
  id: "main-s1-main",
  attempt: 1,
  sessionId: "heartbeat:main",
  message: "Hello",
  model: "m",
  timeoutMs: 1_000,
};
const now = () => 0;
const refuseToConnect = async (): Promise<Response> => {
  throw new Error("no call was expected");
};

/** Asks with these variables and this binding; no call over the network may happen. */
function ask(
  variables: Record<string, string>,
  more: { AI?: WorkersAi; chat?: ChatFunction; signal?: AbortSignal; timeoutMs?: number } = {},
) {
  const { AI, chat, signal, timeoutMs = 1_000 } = more;
  const env = { ...variables, ...(AI === undefined ? {} : { AI }) };
  return askChat(
    env as unknown as Env,
    settingsOf(env),
    { ...request, timeoutMs },
    { now, chat, signal, fetch: refuseToConnect },
  );
}
const trouble = (reason: string, passing: boolean) => ({
  ok: false,
  error: { reason: expect.stringContaining(reason), passing },
});
const never = new Promise<never>(() => undefined);

describe("a chat function in code", () => {
  it("is asked instead of any other endpoint, with session, message and model", async () => {
    const asked: unknown[] = [];
    const chat: ChatFunction = async ({ signal, ...question }) => {
      asked.push(question, signal.aborted);
      return "Good morning";
    };
    const everything = { CHAT_URL: "https://x.test", OPENAI_BASE_URL: "https://y.test", AGENT_URL: "https://z.test" };
    expect(await ask(everything, { chat })).toEqual({ ok: true, value: { text: "Good morning", toolUse: false } });
    expect(asked).toEqual([{ sessionId: "heartbeat:main", message: "Hello", model: "m" }, false]);
  });

  it("may report tool use and tokens", async () => {
    const reply = { text: "x", toolUse: true, usage: { input: 1, output: 2 } };
    expect(await ask({}, { chat: async () => reply })).toEqual({ ok: true, value: reply });
  });

  it("that throws, at once or later, is a trouble that may pass", async () => {
    const rejects: ChatFunction = async () => Promise.reject(new Error("model asleep"));
    const throws: ChatFunction = () => {
      throw new Error("model asleep");
    };
    for (const chat of [rejects, throws]) expect(await ask({}, { chat })).toEqual(trouble("model asleep", true));
  });

  it("is given up when its time is over or the heartbeat is gone, and gets an aborted signal", async () => {
    let told: AbortSignal | undefined;
    const chat: ChatFunction = ({ signal }) => {
      told = signal;
      return never;
    };
    expect(await ask({}, { chat, timeoutMs: 20 })).toEqual(trouble("timed out after 20ms", true));
    expect(told?.aborted).toBe(true);
    expect(await ask({}, { chat, signal: AbortSignal.abort() })).toEqual(trouble("given up", false));
  });
});

describe("Workers AI", () => {
  const answering = (answer: unknown, asked: unknown[] = []): WorkersAi => ({
    run: async (...call) => {
      asked.push(call);
      return answer;
    },
  });

  it.each([
    [
      "a text",
      { response: "Hi", usage: { prompt_tokens: 1, completion_tokens: 2 } },
      { text: "Hi", toolUse: false, usage: { input: 1, output: 2 } },
    ],
    [
      "JSON that the platform has parsed",
      { response: { action: "skip", reason: "x" } },
      { text: '{"action":"skip","reason":"x"}', toolUse: false },
    ],
    ["a tool call", { response: null, tool_calls: [{ name: "f" }] }, { text: "", toolUse: true }],
    ["a completion as OpenAI's", { choices: [{ message: { content: "Hi" } }] }, { text: "Hi", toolUse: false }],
  ])("may answer with %s", async (_how, answer, value) => {
    const asked: unknown[] = [];
    expect(await ask({}, { AI: answering(answer, asked) })).toEqual({ ok: true, value });
    expect(asked).toEqual([["m", { messages: [{ role: "user", content: "Hello" }] }]]);
  });

  it("is asked only if nothing else is configured", async () => {
    const asked: unknown[] = [];
    for (const variables of [
      { AGENT_URL: "https://a.test" },
      { CHAT_URL: "https://a.test" },
      { OPENAI_BASE_URL: "https://a.test" },
    ]) {
      expect((await ask(variables, { AI: answering({ response: "Hi" }, asked) })).ok).toBe(false);
    }
    expect(asked).toEqual([]);
  });

  it("needs a model's name, and says so if the answer is empty or fails", async () => {
    const env = { AI: answering({ response: "Hi" }) };
    const { model: _model, ...unnamed } = request;
    expect(await askChat(env as unknown as Env, settingsOf(env), unnamed, { now })).toEqual(
      trouble("set fast_model", false),
    );
    expect(await ask({}, { AI: answering({ image: "…" }) })).toEqual(trouble("without a text", false));
    const failing: WorkersAi = { run: async () => Promise.reject(new Error("3040: out of capacity")) };
    expect(await ask({}, { AI: failing })).toEqual(trouble("out of capacity", true));
  });
});

describe("a notify function in code", () => {
  const notification = { id: "x", text: "*Heartbeat*\n\nHi", source: "heartbeat" };
  const rules = { secretFor: () => ok(undefined), allowLoopbackHttp: false } as const;
  const tell = (notify: NotifyFunction) =>
    notifyAll([{ type: "code", notify }], notification, rules, { now, fetch: refuseToConnect });

  it("gets the text and the source", async () => {
    const told: unknown[] = [];
    expect(await tell(async (one) => void told.push(one))).toEqual([{ type: "code", ok: true }]);
    expect(told).toEqual([{ text: "*Heartbeat*\n\nHi", source: "heartbeat" }]);
  });

  it("that throws is a failure to notify, with its reason", async () => {
    const failing: NotifyFunction = async () => Promise.reject(new Error("pager is off"));
    expect(await tell(failing)).toEqual([
      { type: "code", ok: false, error: "the notify function failed: pager is off" },
    ]);
  });
});

describe("the registration", () => {
  it("keeps one function of each kind, and a later one replaces an earlier one", () => {
    const [first, second]: ChatFunction[] = [async () => "1", async () => "2"];
    const notify: NotifyFunction = async () => undefined;
    if (first === undefined || second === undefined) throw new Error("two functions");
    onHeartbeatChat(first);
    onHeartbeatNotify(notify);
    onHeartbeatChat(second);
    expect(heartbeatHooks()).toEqual({ chat: second, notify });
  });
});
