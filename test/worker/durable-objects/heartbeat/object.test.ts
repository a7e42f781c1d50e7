/** The Heartbeat object in workerd: its times, its calls and their cost, and that a kill doubles nothing. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { HeartbeatObject } from "../../../../durable-objects/heartbeat/object.ts";
import { BEAT_RETENTION } from "../../../../durable-objects/heartbeat/store.ts";
import { listEvents } from "../../../../src/directory/events.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import type { Env } from "../../../../src/env.ts";
import { HeartbeatInput } from "../../../../src/schema/heartbeat.ts";
import type { ChatScript } from "../../scripted-chat.ts";
import {
  at,
  beatsOf,
  decisionsOf,
  ended,
  env,
  kill,
  MINUTE,
  mainsOf,
  makeHeartbeat,
  nextMultiple,
  run,
  type Stub,
  says,
  skip,
  unique,
  value,
} from "./heartbeat-fixture.ts";

describe("a heartbeat that was never created", () => {
  it("is not found by any call, and leaves no table behind", async () => {
    const stub = env.HEARTBEAT.getByName("never-made");
    const missing = { ok: false, error: { kind: "not_found", what: "heartbeat" } };
    expect(await stub.read(true)).toEqual(missing);
    expect(await stub.beats({ limit: 1 })).toEqual(missing);
    expect(await stub.writeDocument("x")).toEqual(missing);
    expect(await stub.document()).toEqual(missing);
    expect(await stub.beatNow()).toEqual(missing);
    expect(await stub.beatIfDue(Date.now())).toEqual(missing);
    expect(await stub.erase()).toEqual(missing);
    const tables = await runInDurableObject(stub, (_object, { storage }) => [
      ...storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'"),
    ]);
    expect(tables).toEqual([]);
  });
});

describe("an interval that is not whole minutes", () => {
  const armedAt = (stub: Stub) => runInDurableObject(stub, (_object, { storage }) => storage.getAlarm());

  it("beats by the object's own alarm at each multiple, and once for a tick that finds the same beat", async () => {
    const { stub, name } = await makeHeartbeat({ decision: skip }, { every: "100s" });
    const first = await armedAt(stub);
    expect((first ?? 1) % 100_000).toBe(0);
    expect(first).toBeGreaterThan(Date.now());
    const dueAt = first ?? 0;
    await at(dueAt, () => runDurableObjectAlarm(stub));
    const [beat] = await beatsOf(stub);
    expect(beat).toMatchObject({ trigger: "schedule", outcome: "skipped", decision: { action: "skip" } });
    expect(Date.parse(beat?.scheduled_at ?? "")).toBe(dueAt);
    expect(await value(at(dueAt + 1_000, () => stub.beatIfDue(dueAt)))).toEqual({});
    expect(await decisionsOf(name)).toHaveLength(1);
    expect(await armedAt(stub)).toBe(dueAt + 100_000);
  });

  it("is set again by the tick after the alarm was lost, and removed when every is whole minutes again", async () => {
    const { stub } = await makeHeartbeat(undefined, { every: "100s" });
    await runInDurableObject(stub, (_object, { storage }) => storage.deleteAlarm());
    await value(stub.beatIfDue(Date.now()));
    expect(await armedAt(stub)).toBeGreaterThan(Date.now());
    await value(stub.configure(HeartbeatInput.parse({ every: "1m" })));
    const armed = (await armedAt(stub)) ?? 0;
    await at(armed, () => runDurableObjectAlarm(stub));
    expect(await beatsOf(stub)).toEqual([]);
    expect(await armedAt(stub)).toBeNull();
  });
});

describe("a beat that fails", () => {
  const busy: ChatScript = { status: 503, body: "busy" };
  const failuresOf = async (name: string) => {
    const page = await value(listEvents(env, ADMIN, { types: ["heartbeat.failed"] }, { limit: 100 }));
    return page.items.filter(({ message }) => message.includes(`"${name}"`));
  };

  it("is an event that is reported once, even if the object looks again", async () => {
    const { stub, name } = await makeHeartbeat({ decision: says("prose") });
    const { beat_id } = await value(stub.beatNow());
    await ended(stub);
    const [event, ...more] = await vi.waitFor(async () => {
      const found = await failuresOf(name);
      if (found.length === 0) throw new Error("no event yet");
      return found;
    });
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      id: `heartbeat-${beat_id}.failed`,
      type: "heartbeat.failed",
      message: expect.stringContaining("the decision must be the JSON"),
    });
    await runInDurableObject(stub, (_object, { storage }) => storage.sql.exec("UPDATE beat SET owed = 1"));
    await value(stub.beatIfDue(Date.now()));
    await runDurableObjectAlarm(stub);
    expect(await failuresOf(name)).toHaveLength(1);
  });

  it("is no event while its repeat is still to come, and one event if that fails too", async () => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision: busy });
    await value(stub.beatIfDue(nextTick));
    const first = await ended(stub);
    expect(first).toMatchObject({ outcome: "error", next_attempt_at: expect.any(String) });
    expect(await failuresOf(name)).toEqual([]);
    await at(Date.parse(first.next_attempt_at ?? ""), () => runDurableObjectAlarm(stub));
    const [second] = await beatsOf(stub);
    expect(second).toMatchObject({ outcome: "error", retry_of: first.id });
    expect((await failuresOf(name)).map(({ id }) => id)).toEqual([`heartbeat-${second?.id}.failed`]);
  });
});

describe("a configuration from code", () => {
  it("is applied once for each version; what an operator changes stays until the next", async () => {
    const stub = env.HEARTBEAT.getByName(`hb-code-${unique()}`);
    const input = (every: string) => HeartbeatInput.parse({ every });
    await value(stub.ensure(input("30m"), "v1"));
    await value(stub.ensure(input("10m"), "v1"));
    expect(await value(stub.read(true))).toMatchObject({ every: "30m" });
    await value(stub.configure(input("20m")));
    await value(stub.ensure(input("30m"), "v1"));
    expect(await value(stub.read(true))).toMatchObject({ every: "20m" });
    await value(stub.ensure(input("40m"), "v2"));
    expect(await value(stub.read(true))).toMatchObject({ every: "40m" });
  });
});

describe("configuration", () => {
  it("keeps its secrets, which are shown masked and survive being written back", async () => {
    const slack = { type: "slack", url: "https://hooks.slack.com/services/T0/B0/averylongsecret" };
    const { stub, name } = await makeHeartbeat(undefined, { notify: [slack], model: "big" });
    const shown = await value(stub.read(true));
    expect(shown).toMatchObject({ name, enabled: true, every: "30m", model: "big" });
    expect(JSON.stringify(shown)).not.toContain("averylong");
    const again = await value(stub.configure(HeartbeatInput.parse({ notify: shown.notify })));
    expect(again.created).toBe(false);
    const kept = await runInDurableObject(stub, (_object, { storage }) => [
      ...storage.sql.exec("SELECT config FROM heartbeat"),
    ]);
    expect(String(kept[0]?.config)).toContain(slack.url);
    expect(again.heartbeat).not.toHaveProperty("model");
  });

  it("that is wrong names every wrong field, and changes nothing", async () => {
    const { stub } = await makeHeartbeat(undefined);
    const wrong = await stub.configure(
      HeartbeatInput.parse({ every: "9s", notify: [{ type: "webhook", url: "http://example.com/x" }] }),
    );
    expect(wrong).toMatchObject({ ok: false, error: { errors: [{ path: "every" }, { path: "notify.0.url" }] } });
    expect((await value(stub.read(true))).every).toBe("30m");
  });

  it("and document survive a loss of memory", async () => {
    const { stub, name } = await makeHeartbeat({ decision: skip }, { every: "5m" });
    await kill(stub);
    const again = env.HEARTBEAT.getByName(name);
    expect((await value(again.read(true))).every).toBe("5m");
    expect(await value(again.document())).toBe(JSON.stringify({ decision: skip }));
  });
});

describe("the tick", () => {
  it("beats when the next multiple of every has come, once, and does not wait for the models", async () => {
    const { stub, name, nextTick } = await makeHeartbeat({ decision: { ...skip, delay_ms: 300 } });
    expect(await value(stub.beatIfDue(nextTick - MINUTE))).toEqual({});
    const before = performance.now();
    expect(await value(stub.beatIfDue(nextTick))).toEqual({ beat_id: `${name}-s${nextTick}` });
    expect(performance.now() - before).toBeLessThan(250);
    expect(await value(stub.beatIfDue(nextTick))).toEqual({});
    expect(await ended(stub)).toMatchObject({
      id: `${name}-s${nextTick}`,
      outcome: "skipped",
      reason: "Nothing is due.",
      decision: { action: "skip", reason: "Nothing is due." },
      scheduled_at: new Date(nextTick).toISOString(),
    });
    expect(await value(stub.beatIfDue(nextTick + MINUTE))).toEqual({});
    expect(await decisionsOf(name)).toHaveLength(1);
    expect(await mainsOf(name)).toHaveLength(0);
  });

  it("catches up on a lost tick, once", async () => {
    const { stub, nextTick } = await makeHeartbeat(undefined);
    expect(await value(stub.beatIfDue(nextTick + 3 * MINUTE))).toHaveProperty("beat_id");
    expect(await value(stub.beatIfDue(nextTick + 4 * MINUTE))).toEqual({});
    expect((await ended(stub)).scheduled_at).toBe(new Date(nextTick).toISOString());
  });

  it("logs beats that a gate ends as one entry, at one row written each, and asks nobody", async () => {
    const { stub, name, nextTick } = await makeHeartbeat(undefined);
    const written = await runInDurableObject(stub, async (object: HeartbeatObject, { storage }) => {
      const { sql } = storage;
      const cursors: { rowsWritten: number }[] = [];
      const exec = sql.exec.bind(sql);
      sql.exec = ((query: string, ...values: unknown[]) => {
        const cursor = exec(query, ...values);
        cursors.push(cursor);
        return cursor;
      }) as typeof sql.exec;
      for (let k = 0; k < 30; k++) await object.beatIfDue(nextTick + k * 30 * MINUTE);
      return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    });
    expect(written).toBe(30);
    const beats = await beatsOf(stub);
    expect(beats).toHaveLength(1);
    expect(beats[0]).toMatchObject({ outcome: "empty", count: 30 });
    expect(await decisionsOf(name)).toEqual([]);
  });

  it("logs a disabled heartbeat and one outside its active hours as skipped, with the reason", async () => {
    const hour = (offset: number) =>
      `${String((new Date(nextMultiple(30)).getUTCHours() + offset) % 24).padStart(2, "0")}:00`;
    const { stub, nextTick } = await makeHeartbeat(
      { decision: run },
      { active_hours: { start: hour(5), end: hour(6) } },
    );
    await value(stub.beatIfDue(nextTick));
    expect(await ended(stub)).toMatchObject({ outcome: "skipped", reason: expect.stringContaining("active hours") });
    const disabled = await makeHeartbeat({ decision: run }, { enabled: false });
    await value(disabled.stub.beatIfDue(disabled.nextTick));
    expect(await ended(disabled.stub)).toMatchObject({
      outcome: "skipped",
      reason: expect.stringContaining("disabled"),
    });
  });

  it("does nothing under MODE=stopped, and beats under MODE=ephemeral", async () => {
    const { stub, nextTick } = await makeHeartbeat(undefined);
    const beat = (MODE: string) =>
      runInDurableObject(stub, (_object, state) =>
        new HeartbeatObject(state, { ...env, MODE } as unknown as Env).beatIfDue(nextTick),
      );
    expect(await beat("stopped")).toEqual({ ok: true, value: {} });
    expect(await beatsOf(stub)).toEqual([]);
    expect(await beat("ephemeral")).toMatchObject({ ok: true, value: { beat_id: expect.any(String) } });
  });
});

describe("erasing", () => {
  it("gives up a beat in progress and leaves nothing, so that a new heartbeat of the name begins empty", async () => {
    const { stub, name } = await makeHeartbeat({ decision: { ...run, delay_ms: 200 }, main: says("Hi") });
    await value(stub.beatNow());
    await vi.waitFor(async () => expect(await decisionsOf(name)).toHaveLength(1), { interval: 20 });
    expect(await value(stub.erase())).toBeNull();
    expect(await stub.read(true)).toMatchObject({ ok: false });
    await value(stub.configure(HeartbeatInput.parse({})));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await beatsOf(stub)).toEqual([]);
    expect(await value(stub.document())).toBe("");
    expect(await mainsOf(name)).toEqual([]);
  });
});

describe("the log", () => {
  it(`keeps the newest ${BEAT_RETENTION}, newest first, in pages`, async () => {
    const { stub } = await makeHeartbeat(undefined);
    const ids: string[] = [];
    await runInDurableObject(stub, async (object: HeartbeatObject) => {
      for (let k = 0; k < BEAT_RETENTION + 20; k++) ids.push((await value(object.beatNow())).beat_id);
    });
    const pages: string[] = [];
    let before: number | undefined;
    do {
      const page = await value(stub.beats({ limit: 60, before }));
      pages.push(...page.items.map(({ id }) => id));
      before = page.next;
    } while (before !== undefined);
    expect(pages).toEqual(ids.reverse().slice(0, BEAT_RETENTION));
  });
});
