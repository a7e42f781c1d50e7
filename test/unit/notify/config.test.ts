import { describe, expect, it } from "vitest";
import { acceptNotifiers, maskNotifier } from "../../../src/notify/config.ts";
import { HeartbeatInput, type Notifier } from "../../../src/schema/heartbeat.ts";

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

  it("include a webhook's path and query for everybody but the operator", () => {
    expect(JSON.stringify(shownTo(true, zapier))).toContain("/hooks/catch/123/PARTOFIT?k=1");
    const shown = JSON.stringify(shownTo(false, zapier));
    for (const part of ["catch", "PARTOFIT", '/hook"', signing]) expect(shown).not.toContain(part);
    expect(shown).toContain("https://hooks.zapier.com/");
  });

  it.each([true, false])(
    "keep their values when the masked ones are written back (shown to the operator: %s)",
    (whole) => {
      const value = [...notifiers, zapier];
      expect(acceptNotifiers(shownTo(whole, zapier), value, rules)).toEqual({ ok: true, value });
    },
  );

  it("must be given in full if the masked ones match nothing that is stored", () => {
    expect(pathsOf(shownTo(true, zapier), [])).toEqual([
      "notify.1.url",
      "notify.2.url",
      "notify.3.bot_token",
      "notify.4.secret",
    ]);
    const elsewhere = { ...maskNotifier(zapier, true), url: "https://example.com/mine" };
    expect(pathsOf([elsewhere], [zapier])).toEqual(["notify.0.secret"]);
  });

  it.each(["", "whsec_", "whsec_AAAA", "secret"])("of a webhook are refused if they cannot sign: %j", (secret) => {
    if (secret === "") return expect(HeartbeatInput.safeParse({ notify: [{ ...zapier, secret }] }).success).toBe(false);
    expect(pathsOf([{ ...zapier, secret }], [])).toEqual(["notify.0.secret"]);
  });

  it("are not sent to another server", () => {
    const elsewhere: Notifier = {
      type: "telegram",
      bot_token: `…${token.slice(-4)}`,
      chat_id: "-100200",
      url: "https://example.com",
    };
    expect(pathsOf([elsewhere], notifiers)).toEqual(["notify.0.bot_token"]);
  });

  it("are refused if they are unsafe: http, and a token that would change the path", () => {
    expect(pathsOf([{ type: "slack", url: "http://hooks.slack.com/x" }], [])).toEqual(["notify.0.url"]);
    expect(pathsOf([{ type: "telegram", bot_token: "1:a/../x", chat_id: "1" }], [])).toEqual(["notify.0.bot_token"]);
  });
});
