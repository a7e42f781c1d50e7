import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { HeartbeatObject } from "../../../../durable-objects/heartbeat/object.ts";
import { verify } from "../../../../src/outbound/signature.ts";
import type { SeenCall } from "../../scripted-chat.ts";
import {
  at,
  beatsOf,
  callsOf,
  decisionsOf,
  ended,
  env,
  kill,
  MINUTE,
  mainsOf,
  makeHeartbeat,
  run,
  type Scripts,
  says,
  skip,
  unique,
  value,
} from "./heartbeat-fixture.ts";

describe("a beat that runs", () => {
  it("asks the fast model, then the main one, signed and in their sessions, and calls the notifiers", async () => {
    const hook = `/hook-${unique()}`;
    const hookSecret = `whsec_${btoa("the secret of this webhook")}`;
    const target = { type: "webhook", url: `https://notify.test${hook}`, secret: hookSecret };
    const { stub, name } = await makeHeartbeat(
      { decision: run, main: says("You have mail.") },
      { fast_model: "small", model: "big", notify: [target] },
    );
    const { beat_id } = await value(stub.beatNow());
    expect(await ended(stub)).toMatchObject({
      id: beat_id,
      trigger: "manual",
      status: "ended",
      outcome: "executed",
      decision: { action: "run", reason: "Mail is due." },
      answer: "You have mail.",
      notified: [{ type: "webhook", ok: true }],
    });
    const [decision] = await decisionsOf(name);
    const [main] = await mainsOf(name);
    const [notification] = await callsOf(hook);
    expect(decision?.body.data).toEqual({
      session_id: `heartbeat:${name}:decision`,
      message: expect.stringContaining("JSON"),
      model: "small",
    });
    expect(main?.body).toEqual({
      type: "chat",
      data: { session_id: `heartbeat:${name}:main`, message: expect.stringContaining("Mail is due."), model: "big" },
    });
    expect(notification?.body).toEqual({
      type: "notification",
      data: { text: "*Heartbeat*\n\nYou have mail.", source: `heartbeat:${name}` },
    });
    for (const [call, suffix, secret] of [
      [decision, "decision", env.CHAT_SECRET],
      [main, "main", env.CHAT_SECRET],
      [notification, "notification", hookSecret],
    ] as const) {
      const headers = new Headers(call?.headers);
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const signed = await verify({ secret, headers, body: JSON.stringify(call?.body), nowSeconds });
      expect(signed).toMatchObject({ ok: true, value: { id: `${beat_id}-${suffix}` } });
    }
  });

  it("by hand ignores the active hours and being disabled, but not an empty document", async () => {
    const now = new Date();
    const hour = (offset: number) => `${String((now.getUTCHours() + offset) % 24).padStart(2, "0")}:00`;
    const hours = { active_hours: { start: hour(5), end: hour(6) }, enabled: false };
    const { stub } = await makeHeartbeat({ decision: skip }, hours);
    await value(stub.beatNow());
    expect(await ended(stub)).toMatchObject({ outcome: "skipped", reason: "Nothing is due." });
    await value(stub.writeDocument(" \n"));
    const { beat_id } = await value(stub.beatNow());
    expect(await ended(stub)).toMatchObject({ id: beat_id, outcome: "empty" });
  });

  it("is the answer to every request for another meanwhile, and the tick waits for its end", async () => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision: { ...skip, delay_ms: 300 } });
    const first = await value(stub.beatNow());
    expect(await value(stub.beatNow())).toEqual(first);
    expect(await value(stub.beatIfDue(nextTick))).toEqual({});
    await ended(stub);
    expect(await decisionsOf(name)).toHaveLength(1);
    expect(await value(stub.beatIfDue(nextTick + MINUTE))).toEqual({ beat_id: `${name}-s${nextTick}` });
    await ended(stub);
    expect(await decisionsOf(name)).toHaveLength(2);
  });

  it.each([
    ["prose in place of a decision", says("Let me think."), "not JSON", "Let me think."],
    ["another action", says('{"action":"wait","reason":""}'), "action", '{"action":"wait","reason":""}'],
    ["a decision that used a tool", { body: '{"text":"x","tool_use":{"name":"search"}}' }, "tool", "x"],
  ])("ends as an error with %s, the text kept, and no second call", async (_what, decision, words, text) => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision });
    await value(stub.beatIfDue(nextTick));
    const beat = await ended(stub);
    expect(beat).toMatchObject({ outcome: "error", error: expect.stringContaining(words), decision_text: text });
    expect(beat).not.toHaveProperty("next_attempt_at");
    expect(await mainsOf(name)).toEqual([]);
  });

  it("lets the main model use tools", async () => {
    const main = {
      body: 'data: {"tool_use":{"name":"search"}}\n\ndata: {"text":"Found"}\n\ndata: {"text":" it."}\n\n',
      type: "text/event-stream",
    };
    const { stub } = await makeHeartbeat({ decision: run, main }, { notify: [] });
    await value(stub.beatNow());
    expect(await ended(stub)).toMatchObject({ outcome: "executed", answer: "Found it.", notified: [] });
  });

  it("notifies nobody about an empty answer", async () => {
    const hook = `/silent-${unique()}`;
    const { stub } = await makeHeartbeat(
      { decision: run, main: says(" \n") },
      { notify: [{ type: "webhook", url: `https://notify.test${hook}` }] },
    );
    await value(stub.beatNow());
    const beat = await ended(stub);
    expect(beat.outcome).toBe("executed");
    expect(beat).not.toHaveProperty("notified");
    expect(await callsOf(hook)).toEqual([]);
  });

  it("with one notifier failing is an error that keeps the answer, and the others are called", async () => {
    const [broken, whole] = [`/broken-${unique()}`, `/whole-${unique()}`];
    const notify = [broken, whole].map((path) => ({ type: "webhook", url: `https://notify.test${path}` }));
    const { stub, nextTick } = await makeHeartbeat({ decision: run, main: says("Hi") }, { notify });
    await value(stub.beatIfDue(nextTick));
    expect(await ended(stub)).toMatchObject({
      outcome: "error",
      answer: "Hi",
      error: expect.stringContaining("500"),
      notified: [
        { type: "webhook", ok: false },
        { type: "webhook", ok: true },
      ],
    });
    expect(await callsOf(whole)).toHaveLength(1);
    expect(await callsOf(broken)).toHaveLength(1);
  });

  it("with an agent that is not registered is an error that says so, and calls nobody", async () => {
    const { stub, name } = await makeHeartbeat({ decision: run }, { agent_id: "nobody" });
    await value(stub.beatNow());
    expect(await ended(stub)).toMatchObject({
      outcome: "error",
      error: expect.stringContaining('"nobody" is not registered'),
    });
    expect(await decisionsOf(name)).toEqual([]);
  });
});

describe("a beat that failed for a passing reason", () => {
  const failing: Scripts = { decision: { status: 503, body: "busy", later: skip } };

  it("is tried again once by the alarm, as another entry, under the same call id", async () => {
    const { stub, name, nextTick } = await makeHeartbeat(failing);
    const { beat_id } = await value(stub.beatIfDue(nextTick));
    const first = await ended(stub);
    expect(first).toMatchObject({ outcome: "error", error: expect.stringContaining("503: busy"), attempt: 1 });
    await at(Date.parse(first.next_attempt_at ?? ""), () => runDurableObjectAlarm(stub));
    const [second, before] = await beatsOf(stub);
    expect(second).toMatchObject({
      outcome: "skipped",
      attempt: 2,
      retry_of: beat_id,
      scheduled_at: first.scheduled_at,
    });
    expect(before).not.toHaveProperty("next_attempt_at");
    const ids = (await decisionsOf(name)).map(({ headers }) => headers["webhook-id"]);
    expect(ids).toEqual([`${beat_id}-decision`, `${beat_id}-decision`]);
  });

  it("is not tried a third time", async () => {
    const { stub, nextTick } = await makeHeartbeat({ decision: { status: 503 } });
    await value(stub.beatIfDue(nextTick));
    const first = await ended(stub);
    await at(Date.parse(first.next_attempt_at ?? ""), () => runDurableObjectAlarm(stub));
    const [second] = await beatsOf(stub);
    expect(second).toMatchObject({ outcome: "error", attempt: 2 });
    expect(second).not.toHaveProperty("next_attempt_at");
    expect(await runInDurableObject(stub, (_object, { storage }) => storage.getAlarm())).toBeNull();
  });

  it("gives way to the next beat, and to one by hand", async () => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision: { status: 503, later: skip } });
    await value(stub.beatIfDue(nextTick));
    const first = await ended(stub);
    await value(stub.beatNow());
    await ended(stub);
    await at(Date.parse(first.next_attempt_at ?? ""), () => runDurableObjectAlarm(stub));
    expect((await beatsOf(stub)).map(({ trigger }) => trigger)).toEqual(["manual", "schedule"]);
    expect((await beatsOf(stub))[1]).not.toHaveProperty("next_attempt_at");
    expect(await decisionsOf(name)).toHaveLength(2);
  });

  it("is not repeated if its alarm comes after the next beat was due", async () => {
    const { stub, name, nextTick } = await makeHeartbeat(failing);
    await value(stub.beatIfDue(nextTick));
    await ended(stub);
    await at(nextTick + 30 * MINUTE, () => runDurableObjectAlarm(stub));
    expect(await decisionsOf(name)).toHaveLength(1);
    expect(await beatsOf(stub)).toHaveLength(1);
  });
});

describe("a kill", () => {
  const killedWhile = async (scripts: Scripts, begun: (name: string) => Promise<SeenCall[]>) => {
    const heartbeat = await makeHeartbeat(scripts, { notify: [] });
    await value(heartbeat.stub.beatIfDue(heartbeat.nextTick));
    await vi.waitFor(async () => expect(await begun(heartbeat.name)).toHaveLength(1), { timeout: 5_000, interval: 20 });
    await kill(heartbeat.stub);
    return { ...heartbeat, stub: env.HEARTBEAT.getByName(heartbeat.name) };
  };

  it("during the decision ends the beat as an error that is tried again", async () => {
    const scripts = { decision: { ...run, delay_ms: 1_000, later: skip } };
    const { stub, name, nextTick } = await killedWhile(scripts, decisionsOf);
    expect(await value(stub.beatIfDue(nextTick))).toEqual({});
    const first = await ended(stub);
    expect(first).toMatchObject({ outcome: "error", error: expect.stringMatching(/^interrupted/) });
    await at(Date.parse(first.next_attempt_at ?? ""), () => runDurableObjectAlarm(stub));
    expect((await beatsOf(stub)).map(({ outcome }) => outcome)).toEqual(["skipped", "error"]);
    expect(await decisionsOf(name)).toHaveLength(2);
    expect(await mainsOf(name)).toEqual([]);
  });

  it("after the main model was asked ends the beat as an error, its decision kept, and asks no model again", async () => {
    const scripts = { decision: run, main: { ...says("Done."), delay_ms: 1_000 } };
    const { stub, name, nextTick } = await killedWhile(scripts, mainsOf);
    for (let minute = 0; minute < 30; minute++) await value(stub.beatIfDue(nextTick + minute * MINUTE));
    expect(await ended(stub)).toMatchObject({
      outcome: "error",
      error: expect.stringMatching(/^interrupted/),
      decision: { action: "run" },
    });
    expect(await beatsOf(stub)).toHaveLength(1);
    expect(await decisionsOf(name)).toHaveLength(1);
    expect(await mainsOf(name)).toHaveLength(1);
  });

  it("before the alarm ran loses nothing, and the beat runs afterwards", async () => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision: skip });
    await runInDurableObject(stub, async (object: HeartbeatObject, state) => {
      await object.beatIfDue(nextTick);
      await state.storage.sync();
      state.abort("killed by the test");
    }).catch(() => undefined);
    expect(await ended(env.HEARTBEAT.getByName(name))).toMatchObject({ outcome: "skipped" });
    expect(await decisionsOf(name)).toHaveLength(1);
  });

  it("that also lost the alarm is repaired by the next tick", async () => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision: skip });
    await runInDurableObject(stub, async (object: HeartbeatObject, { storage }) => {
      await object.beatIfDue(nextTick);
      await storage.deleteAlarm();
    });
    expect(await decisionsOf(name)).toEqual([]);
    await value(stub.beatIfDue(nextTick + MINUTE));
    expect(await ended(stub)).toMatchObject({ id: `${name}-s${nextTick}`, outcome: "skipped" });
  });
});
