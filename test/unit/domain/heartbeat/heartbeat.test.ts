import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Beat, beginDeciding, failedForNow, queueBeat } from "../../../../src/domain/heartbeat/beat.ts";
import {
  configure,
  dueSlot,
  heartbeatView,
  idleBecause,
  nextWakeAt,
} from "../../../../src/domain/heartbeat/heartbeat.ts";
import { isActiveAt } from "../../../../src/domain/time/active-hours.ts";
import { compiled, define, MINUTE, T, wrongFields } from "./heartbeat-fixture.ts";

describe("a heartbeat's configuration", () => {
  it("has every 30m and enabled by default", () => {
    expect(compiled({})).toEqual({ config: { enabled: true, every: "30m" }, everyMs: 30 * MINUTE });
  });

  it("leaves empty texts out", () => {
    expect(compiled({ agent_id: "", fast_model: "", model: "" }).config).toEqual({ enabled: true, every: "30m" });
  });

  it.each([
    [{ every: "9s" }, ["every"]],
    [{ every: "500ms" }, ["every"]],
    [{ every: "0m" }, ["every"]],
    [{ every: "366d" }, ["every"]],
    [{ every: "soon" }, ["every"]],
    [{ name: "other" }, ["name"]],
    [{ active_hours: { start: "8", end: "22:00" } }, ["active_hours.start"]],
    [
      { every: "x", active_hours: { start: "08:00", end: "22:00", timezone: "Mars" } },
      ["every", "active_hours.timezone"],
    ],
  ])("%j is refused, naming %j", (input, paths) => {
    expect(wrongFields(input)).toEqual(paths);
  });

  it("whose beats never fall within the active hours is refused, since it would never beat", () => {
    const hours = { start: "08:00", end: "22:00", timezone: "Europe/Berlin" };
    expect(wrongFields({ every: "24h", active_hours: hours })).toEqual(["active_hours"]);
    expect(wrongFields({ every: "12h", active_hours: hours })).toEqual([]);
    expect(wrongFields({ every: "1m", active_hours: { start: "03:17", end: "03:18" } })).toEqual([]);
  });

  it("takes its own name in the body", () => {
    expect(define({ name: "garden" }, "garden").ok).toBe(true);
  });
});

describe("the cadence", () => {
  it.each([
    ["at the due time", 30, "08:50", "09:00", { dueAt: T, missed: 0 }],
    ["late, when the tick at the due time was lost", 30, "08:50", "09:07", { dueAt: T, missed: 0 }],
    ["not again within the same interval", 30, "09:00", "09:29", undefined],
    ["again at the next multiple", 30, "09:00", "09:30", { dueAt: T + 30 * MINUTE, missed: 0 }],
    ["once after an outage, telling how many were missed", 30, "07:00", "09:10", { dueAt: T, missed: 3 }],
    ["not at once for a heartbeat made between multiples", 30, "09:10", "09:11", undefined],
    ["not for a tick that is redelivered late", 30, "09:30", "09:00", undefined],
    ["each minute, if so configured", 1, "08:59", "09:00", { dueAt: T, missed: 0 }],
  ])("beats %s", (_when, minutes, handled, tick, expected) => {
    const at = (clock: string) => Date.parse(`2026-11-23T${clock}:00Z`);
    expect(dueSlot(minutes * MINUTE, at(handled), at(tick))).toEqual(expected);
  });

  it("beats at most once in each interval and never misses one that had a tick, even if ticks are lost, late or doubled", () => {
    const ticks = fc.array(fc.nat(2_000), { maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 240 }), fc.nat(500), ticks, (every, created, minutes) => {
        const ordered = minutes.filter((minute) => minute > created).sort((a, b) => a - b);
        let handledAt = T + created * MINUTE;
        const beats: number[] = [];
        for (const minute of ordered) {
          const slot = dueSlot(every * MINUTE, handledAt, T + minute * MINUTE);
          if (slot === undefined) continue;
          beats.push(slot.dueAt);
          handledAt = slot.dueAt;
        }
        const slotOf = (minute: number) => Math.floor((T / MINUTE + minute) / every) * every * MINUTE;
        const expected = ordered.map(slotOf).filter((dueAt) => dueAt > T + created * MINUTE);
        expect(beats).toEqual([...new Set(expected)]);
      }),
    );
  });

  it("is not moved by an edit, and no edit causes a beat", () => {
    const before = configure("main", compiled({ every: "30m" }).config, T - 90 * MINUTE, undefined);
    const edit = (input: Record<string, unknown>, now: number, handledAt: number) =>
      configure("main", compiled(input).config, now, { record: before, handledAt });
    expect(edit({ every: "30m", model: "big" }, T + 5 * MINUTE, T).handledAt).toBe(T);
    const faster = edit({ every: "10m" }, T + 25 * MINUTE, T);
    expect(dueSlot(10 * MINUTE, faster.handledAt, T + 26 * MINUTE)).toBeUndefined();
    expect(dueSlot(10 * MINUTE, faster.handledAt, T + 30 * MINUTE)?.dueAt).toBe(T + 30 * MINUTE);
    const disabled = edit({ enabled: false }, T, T);
    const again = configure("main", compiled({}).config, T + 40 * MINUTE, { record: disabled, handledAt: T });
    expect(dueSlot(30 * MINUTE, again.handledAt, T + 41 * MINUTE)).toBeUndefined();
  });

  it("shows the next beat within the active hours, and none while disabled", () => {
    const view = (input: Record<string, unknown>, now: number) => {
      const { config } = compiled(input);
      return heartbeatView(configure("main", config, T, undefined), config, undefined, T, now).next_beat_at;
    };
    expect(view({}, T + MINUTE)).toBe("2026-11-23T09:30:00.000Z");
    expect(view({ enabled: false }, T)).toBeUndefined();
    const night = { active_hours: { start: "22:15", end: "06:00", timezone: "Europe/Berlin" } };
    expect(view(night, T)).toBe("2026-11-23T21:30:00.000Z");
  });
});

describe("an interval that is not whole minutes", () => {
  const SECOND = 1_000;
  const wake = (input: Record<string, unknown>, handledAt: number, now: number, newest?: Beat) =>
    nextWakeAt(compiled(input), newest, handledAt, now);

  it.each([
    ["10s", T + 10 * SECOND],
    ["90s", T + 90 * SECOND],
    ["45s", T + 45 * SECOND],
    ["1h0m1s", undefined],
  ])("%s wakes the object at the next multiple since 1970", (every, expected) => {
    const at = wake({ every }, T, T + SECOND);
    if (expected !== undefined) expect(at).toBe(expected);
    const { everyMs } = compiled({ every });
    expect((at ?? 0) % everyMs).toBe(0);
    expect(at).toBeGreaterThan(T);
  });

  it("wakes it at once for an overdue or queued beat, and not at whole minutes, which are the tick's", () => {
    expect(wake({ every: "10s" }, T, T + 60 * SECOND)).toBe(T + 60 * SECOND);
    expect(wake({ every: "1m" }, T, T + 5 * MINUTE)).toBeUndefined();
    expect(wake({ every: "10s", enabled: false }, T, T + 60 * SECOND)).toBeUndefined();
    const queued = queueBeat({ id: "b", seq: 1, trigger: "manual", dueAt: T, handledAt: T }, T);
    expect(wake({ every: "1m" }, T, T + SECOND, queued)).toBe(T + SECOND);
    expect(wake({ every: "10s" }, T, T + 60 * SECOND, beginDeciding(queued))).toBeUndefined();
  });

  it("wakes it for a repeat, if that is earlier than the next beat", () => {
    const queued = queueBeat({ id: "b", seq: 1, trigger: "schedule", dueAt: T, handledAt: T }, T);
    const failing = failedForNow(beginDeciding(queued), "boom", 90 * SECOND, T + SECOND);
    expect(failing.retryAt).toBe(T + 46 * SECOND);
    expect(wake({ every: "90s" }, T, T + 2 * SECOND, failing)).toBe(T + 46 * SECOND);
  });

  it("sleeps until the active hours, even if many beats lie before them", () => {
    const active_hours = { start: "22:15", end: "06:00", timezone: "Europe/Berlin" };
    expect(wake({ every: "10s", active_hours }, T, T)).toBe(Date.parse("2026-11-23T21:15:00Z"));
    expect(wake({ every: "45s", active_hours }, T, T)).toBe(Date.parse("2026-11-23T21:15:00Z"));
    const shown = heartbeatView(
      configure("main", compiled({ every: "12s500ms", active_hours }).config, T, undefined),
      compiled({ every: "12s500ms", active_hours }).config,
      undefined,
      T,
      T,
    );
    expect(shown.next_beat_at).toBe("2026-11-23T21:15:00.000Z");
  });
});

describe("the next wake within the active hours", () => {
  it("is the first multiple of the interval within them, the same as counting one by one finds", () => {
    const clock = (minute: number) =>
      `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    const minute = fc.integer({ min: 0, max: 1_439 });
    const zone = fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu");
    const every = fc.integer({ min: 10_000, max: 400_000 }).filter((ms) => ms % MINUTE !== 0);
    const hours = fc.integer({ min: 30, max: 1_400 });
    fc.assert(
      fc.property(every, minute, hours, zone, fc.nat(365 * 86_400), (ms, start, length, timezone, seconds) => {
        const active_hours = { start: clock(start), end: clock((start + length) % 1_440), timezone };
        const heartbeat = compiled({ every: `${ms}ms`, active_hours });
        const from = T + seconds * 1_000;
        let dueAt = (Math.floor(from / ms) + 1) * ms;
        while (heartbeat.hours !== undefined && !isActiveAt(heartbeat.hours, dueAt)) dueAt += ms;
        expect(nextWakeAt(heartbeat, undefined, from, from)).toBe(dueAt);
      }),
    );
  });
});

describe("the gates", () => {
  const hours = { active_hours: { start: "08:00", end: "22:00", timezone: "Europe/Berlin" } };
  const night = T + 13 * 60 * MINUTE;
  const gate = (input: Record<string, unknown>, trigger: "schedule" | "manual", at: number, document: string) =>
    idleBecause(compiled(input), { trigger, at, document })?.outcome;

  it.each([
    ["passes with something in the document", {}, "schedule", T, "- mail", undefined],
    ["passes within the active hours", hours, "schedule", T, "- mail", undefined],
    ["skips outside the active hours", hours, "schedule", night, "- mail", "skipped"],
    ["skips outside the active hours even with an empty document", hours, "schedule", night, "", "skipped"],
    ["lets a beat by hand ignore the active hours", hours, "manual", night, "- mail", undefined],
    ["skips while disabled", { enabled: false }, "schedule", T, "- mail", "skipped"],
    ["lets a beat by hand run while disabled", { enabled: false }, "manual", T, "- mail", undefined],
    ["ends with a missing document", {}, "schedule", T, "", "empty"],
    ["ends with a document of blanks", {}, "schedule", T, " \n\t\u00a0\ufeff\n", "empty"],
    ["ends a beat by hand with an empty document", {}, "manual", T, "\n", "empty"],
    ["passes with a mere heading: it is content", {}, "schedule", T, "# Heartbeat", undefined],
  ] as const)("a beat %s", (_what, input, trigger, at, document, outcome) => {
    expect(gate(input, trigger, at, document)).toBe(outcome);
  });
});
