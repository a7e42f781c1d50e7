import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  answered,
  type Beat,
  beatView,
  beginDeciding,
  decided,
  decidedWrongly,
  failedForNow,
  foldIdle,
  idleBeat,
  interrupted,
  notifiedAll,
  queueBeat,
} from "../../../../src/domain/heartbeat/beat.ts";
import {
  type CompiledHeartbeat,
  configure,
  defineHeartbeat,
  dueSlot,
  heartbeatView,
  idleBecause,
  nextWakeAt,
} from "../../../../src/domain/heartbeat/heartbeat.ts";
import { isActiveAt } from "../../../../src/domain/time/active-hours.ts";
import { acceptNotifiers, maskNotifier } from "../../../../src/notify/config.ts";
import { HeartbeatInput, type Notifier } from "../../../../src/schema/heartbeat.ts";

const MINUTE = 60_000;
const T = Date.parse("2026-11-23T09:00:00Z");

function define(input: Record<string, unknown>, name = "main") {
  return defineHeartbeat(HeartbeatInput.parse(input), name);
}

function compiled(input: Record<string, unknown> = {}): CompiledHeartbeat {
  const heartbeat = define(input);
  if (!heartbeat.ok) throw new Error(JSON.stringify(heartbeat.error));
  return heartbeat.value;
}

const wrongFields = (input: Record<string, unknown>): string[] => {
  const heartbeat = define(input);
  return heartbeat.ok || heartbeat.error.kind !== "validation_failed"
    ? []
    : heartbeat.error.errors.map(({ path }) => path);
};

describe("a heartbeat's configuration", () => {
  it("has every 30m and enabled where nothing is said", () => {
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

  it("whose beats never fall within the active hours is refused: it would be silent for ever", () => {
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

  it("beats at most once in each interval and never misses one that had a tick, whatever ticks are lost, late or doubled", () => {
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

  it("is not moved by an edit, and no edit brings a beat about", () => {
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

describe("an interval of no whole minutes", () => {
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

  it("wakes it at once for a beat that is overdue or queued, and for no whole minutes, which are the tick's", () => {
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

  it("sleeps until the active hours, however many beats lie before them", () => {
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
  it("is the first multiple of the interval that lies within them, as counting one by one finds it", () => {
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

const first = (over: Partial<Beat> = {}): Beat => ({
  ...queueBeat({ id: "main-s1", seq: 7, trigger: "schedule", dueAt: T, handledAt: T }, T + 100),
  ...over,
});
const run = { action: "run", reason: "Mail is due." } as const;
const every = 30 * MINUTE;

describe("a beat", () => {
  it("goes from the decision over the answer to the notifiers, each step recorded with what is known", () => {
    const executing = decided(beginDeciding(first()), run, { input: 10, output: 2 }, T + 1_000);
    expect(executing).toMatchObject({ phase: "executing", decision: run });
    const notifying = answered(executing, " You have mail.\n", { input: 50, output: 9 }, T + 2_000);
    expect(notifying).toMatchObject({ phase: "notifying", answer: "You have mail." });
    const ended = notifiedAll(notifying, [{ type: "slack", ok: true }], T + 3_100);
    expect(beatView(ended)).toEqual({
      id: "main-s1",
      trigger: "schedule",
      status: "ended",
      outcome: "executed",
      decision: run,
      answer: "You have mail.",
      notified: [{ type: "slack", ok: true }],
      tokens: { decision: { input: 10, output: 2 }, main: { input: 50, output: 9 } },
      scheduled_at: "2026-11-23T09:00:00.000Z",
      started_at: "2026-11-23T09:00:00.100Z",
      finished_at: "2026-11-23T09:00:03.100Z",
      duration: "3s",
      attempt: 1,
    });
  });

  it("has no outcome while it runs", () => {
    expect(beatView(beginDeciding(first()))).toMatchObject({ status: "running" });
    expect(beatView(beginDeciding(first()))).not.toHaveProperty("outcome");
  });

  it("ends as skipped with the decision's reason", () => {
    const skip = { action: "skip", reason: "Nothing is due." } as const;
    expect(decided(beginDeciding(first()), skip, undefined, T)).toMatchObject({
      phase: "ended",
      outcome: "skipped",
      reason: skip.reason,
      decision: skip,
    });
  });

  it("with an empty answer is executed, and nobody is told", () => {
    const ended = answered(decided(first(), run, undefined, T), " \n", undefined, T);
    expect(ended).toMatchObject({ phase: "ended", outcome: "executed" });
    expect(ended).not.toHaveProperty("answer");
  });

  it("with one notifier failing is an error that keeps the answer and says who was told", () => {
    const notified = [
      { type: "webhook", ok: false, error: "the webhook answered 500" } as const,
      { type: "slack", ok: true } as const,
    ];
    const ended = notifiedAll(answered(decided(first(), run, undefined, T), "Hi", undefined, T), notified, T);
    expect(ended).toMatchObject({ outcome: "error", answer: "Hi", notified });
    expect(ended.error).toContain("webhook: the webhook answered 500");
    expect(ended).not.toHaveProperty("retryAt");
  });

  it("keeps what was written in place of a decision, cut, and the answer at most 16 KiB", () => {
    const wrong = decidedWrongly(first(), "é".repeat(5_000), "no JSON", undefined, T);
    expect(wrong).toMatchObject({ outcome: "error", error: "no JSON", decisionText: "é".repeat(2_048) });
    const long = answered(decided(first(), run, undefined, T), "é".repeat(10_000), undefined, T);
    expect(long).toMatchObject({ answer: "é".repeat(8_192), answerTruncated: true });
  });
});

describe("a failure that may pass", () => {
  it.each([
    ["30m", 100, MINUTE],
    ["1m", 100, 30_000],
    ["2m", 10_000, MINUTE],
  ])(
    "of a beat every %s is tried again %i ms on, after %i ms: a minute, or half the interval",
    (text, elapsed, delay) => {
      const everyMs = compiled({ every: text }).everyMs;
      expect(failedForNow(first(), "x", everyMs, T + elapsed).retryAt).toBe(T + elapsed + delay);
    },
  );

  it("is not tried again once the next beat would be due", () => {
    expect(failedForNow(first(), "x", MINUTE, T + 30_000)).not.toHaveProperty("retryAt");
    expect(failedForNow(first(), "x", every, T + 29.5 * MINUTE)).not.toHaveProperty("retryAt");
  });

  it("is tried again once, not twice, and not for a beat by hand", () => {
    expect(failedForNow(first({ attempt: 2 }), "x", every, T)).not.toHaveProperty("retryAt");
    expect(failedForNow(first({ trigger: "manual" }), "x", every, T)).not.toHaveProperty("retryAt");
  });
});

describe("a beat that a kill left behind", () => {
  it("is tried again if the main model was not asked yet", () => {
    const beat = interrupted(beginDeciding(first()), every, T + 1_000);
    expect(beat).toMatchObject({ outcome: "error", retryAt: T + 1_000 + MINUTE });
    expect(beat.error).toMatch(/^interrupted/);
  });

  it("is not tried again after that, and keeps its decision and answer", () => {
    const executing = decided(first(), run, undefined, T);
    const notifying = answered(executing, "Hi", undefined, T);
    for (const beat of [interrupted(executing, every, T), interrupted(notifying, every, T)]) {
      expect(beat).toMatchObject({ phase: "ended", outcome: "error", decision: run });
      expect(beat.error).toMatch(/^interrupted/);
      expect(beat).not.toHaveProperty("retryAt");
    }
    expect(interrupted(notifying, every, T).answer).toBe("Hi");
  });
});

describe("the log of idle beats", () => {
  const idle = (k: number, reason: string, trigger: "schedule" | "manual" = "schedule"): Beat => {
    const at = T + k * every;
    return idleBeat(
      { id: `main-s${k}`, seq: k, trigger, dueAt: at, handledAt: at },
      { outcome: "empty", reason },
      at + 5,
    );
  };

  it("is one entry for like ones in a row, with how many, the first and the last, and carries the cadence on", () => {
    const entries: Beat[] = [];
    for (let k = 1; k <= 1_000; k++) {
      const next = idle(k, "the document is empty");
      const folded = foldIdle(entries.at(-1), next);
      if (folded === undefined) entries.push(next);
      else entries[entries.length - 1] = folded;
    }
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ count: 1_000, handledAt: T + 1_000 * every });
    expect(beatView(entries[0] ?? first())).toMatchObject({
      outcome: "empty",
      count: 1_000,
      first_at: new Date(T + every + 5).toISOString(),
      last_at: new Date(T + 1_000 * every + 5).toISOString(),
    });
  });

  it("keeps apart what differs: the reason, a beat by hand, a skip by decision", () => {
    expect(foldIdle(idle(1, "a"), idle(2, "b"))).toBeUndefined();
    expect(foldIdle(idle(1, "a"), idle(2, "a", "manual"))).toBeUndefined();
    expect(foldIdle(idle(1, "a", "manual"), idle(2, "a", "manual"))).toBeUndefined();
    const skipped = decided(first(), { action: "skip", reason: "a" }, undefined, T);
    expect(foldIdle(skipped, { ...skipped, seq: 8 })).toBeUndefined();
    expect(foldIdle(undefined, idle(1, "a"))).toBeUndefined();
  });
});

describe("the secrets of notifiers", () => {
  const slackUrl = "https://hooks.slack.com/services/T000/B000/veryverysecret1234";
  const token = "123456789:AAbbccddeeffgghhiijjkkllmmnnooppqq";
  const notifiers: Notifier[] = [
    { type: "webhook", url: "https://example.com/hook" },
    { type: "slack", url: slackUrl },
    { type: "discord", url: "https://discord.com/api/webhooks/1/anothersecretthatislong" },
    { type: "telegram", bot_token: token, chat_id: "-100200" },
  ];
  const rules = { allowLoopbackHttp: false };
  const pathsOf = (written: readonly Notifier[], stored: readonly Notifier[]) => {
    const accepted = acceptNotifiers(written, stored, rules);
    return accepted.ok ? [] : accepted.error.map(({ path }) => path);
  };

  const signing = `whsec_${btoa("k".repeat(24))}`;
  const zapier: Notifier = {
    type: "webhook",
    url: "https://hooks.zapier.com/hooks/catch/123/PARTOFIT?k=1",
    secret: signing,
  };
  const shownTo = (whole: boolean, ...more: Notifier[]) =>
    [...notifiers, ...more].map((one) => maskNotifier(one, whole));

  it("are masked where they are shown", () => {
    const shown = JSON.stringify(shownTo(true, zapier));
    for (const secret of ["veryverysecret", "anothersecret", "AAbbcc", "T000", signing]) {
      expect(shown).not.toContain(secret);
    }
    expect(shown).toContain("https://hooks.slack.com/…1234");
    expect(shown).toContain("https://example.com/hook");
  });

  it("are, of webhooks, also the path and the query to everybody but the operator", () => {
    expect(JSON.stringify(shownTo(true, zapier))).toContain("/hooks/catch/123/PARTOFIT?k=1");
    const shown = JSON.stringify(shownTo(false, zapier));
    for (const part of ["catch", "PARTOFIT", '/hook"', signing]) expect(shown).not.toContain(part);
    expect(shown).toContain("https://hooks.zapier.com/");
  });

  it.each([true, false])(
    "stay what they were when the masked ones are written back (shown to the operator: %s)",
    (whole) => {
      const value = [...notifiers, zapier];
      expect(acceptNotifiers(shownTo(whole, zapier), value, rules)).toEqual({ ok: true, value });
    },
  );

  it("are asked for in full where the masked ones match nothing that is stored", () => {
    expect(pathsOf(shownTo(true, zapier), [])).toEqual([
      "notify.1.url",
      "notify.2.url",
      "notify.3.bot_token",
      "notify.4.secret",
    ]);
    const elsewhere = { ...maskNotifier(zapier, true), url: "https://example.com/mine" };
    expect(pathsOf([elsewhere], [zapier])).toEqual(["notify.0.secret"]);
  });

  it.each(["", "whsec_", "whsec_AAAA", "secret"])("are refused as a webhook's if they cannot sign: %j", (secret) => {
    if (secret === "") return expect(HeartbeatInput.safeParse({ notify: [{ ...zapier, secret }] }).success).toBe(false);
    expect(pathsOf([{ ...zapier, secret }], [])).toEqual(["notify.0.secret"]);
  });

  it("are not given to another server", () => {
    const elsewhere: Notifier = {
      type: "telegram",
      bot_token: `…${token.slice(-4)}`,
      chat_id: "-100200",
      url: "https://example.com",
    };
    expect(pathsOf([elsewhere], notifiers)).toEqual(["notify.0.bot_token"]);
  });

  it("are refused where they lead nowhere safe: http, and a token that would change the path", () => {
    expect(pathsOf([{ type: "slack", url: "http://hooks.slack.com/x" }], [])).toEqual(["notify.0.url"]);
    expect(pathsOf([{ type: "telegram", bot_token: "1:a/../x", chat_id: "1" }], [])).toEqual(["notify.0.bot_token"]);
  });
});
