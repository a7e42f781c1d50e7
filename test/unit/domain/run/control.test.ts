import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainFaults, readControl, readSteeringAnswer } from "../../../../src/domain/run/control.ts";

describe("a control", () => {
  it("is read field by field", () => {
    const given = { next_in: "1h30m", done: true, pause: "later", unchanged: true, cost_usd: 0.5, tokens: 1200 };
    expect(readControl(given)).toEqual({
      control: {
        next: { field: "next_in", inMs: 5_400_000 },
        done: true,
        pause: "later",
        unchanged: true,
        costUsd: 0.5,
        tokens: 1200,
      },
      faults: [],
    });
    const at = readControl({ next_at: "2026-11-28T10:00:00+01:00" });
    expect(at.control.next).toEqual({ field: "next_at", at: Date.UTC(2026, 10, 28, 9) });
  });

  it("takes nothing from false, null and zero", () => {
    expect(readControl({ done: false, unchanged: false, next_in: null, pause: null })).toEqual({
      control: {},
      faults: [],
    });
    expect(readControl({ cost_usd: 0, tokens: 0 }).control).toEqual({ costUsd: 0, tokens: 0 });
    expect(readControl({})).toEqual({ control: {}, faults: [] });
  });

  it.each<[unknown, string]>([
    [{ next_in: "soon" }, "next_in"],
    [{ next_in: 600 }, "next_in"],
    [{ next_in: "-10m" }, "next_in"],
    [{ next_at: "tomorrow" }, "next_at"],
    [{ next_at: 1_795_424_580 }, "next_at"],
    [{ next_in: "1m", next_at: "2027-01-01T00:00:00Z" }, "next_in, next_at"],
    [{ done: "yes" }, "done"],
    [{ pause: true }, "pause"],
    [{ pause: " " }, "pause"],
    [{ unchanged: 1 }, "unchanged"],
    [{ cost_usd: -0.01 }, "cost_usd"],
    [{ cost_usd: "0.01" }, "cost_usd"],
    [{ cost_usd: Number.POSITIVE_INFINITY }, "cost_usd"],
    [{ tokens: 1.5 }, "tokens"],
    [{ tokens: -1 }, "tokens"],
    [{ tokens: 2 ** 53 }, "tokens"],
    [{ nextIn: "10m" }, "nextIn"],
    ["10m", "control"],
    [["done"], "control"],
    [true, "control"],
  ])("%j changes nothing and names %s", (given, field) => {
    const { control, faults } = readControl(given);
    expect(control).toEqual({});
    expect(faults.map((fault) => fault.field)).toEqual([field]);
    expect(explainFaults(faults)).toContain(`${field}: `);
  });

  it("keeps the valid fields beside the wrong ones", () => {
    expect(readControl({ cost_usd: -1, tokens: 7, done: "no", unchanged: true }).control).toEqual({
      tokens: 7,
      unchanged: true,
    });
  });

  it("never throws, and reports every field that it does not accept", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
        const { faults } = readControl(given);
        expect(explainFaults(faults).length).toBeLessThanOrEqual(1_000);
        for (const key of Object.keys(given)) {
          const known = ["next_in", "next_at", "done", "pause", "unchanged", "cost_usd", "tokens"].includes(key);
          if (!known && given[key] !== null) expect(faults.some((fault) => fault.field === key)).toBe(true);
        }
      }),
    );
  });
});

describe("the key reveille of an answer", () => {
  it.each<[string, unknown]>([
    ['{"reveille": {"done": true}, "mails": 3}', { done: true }],
    ['{"mails": [{"reveille": {"done": true}}]}', undefined],
    ['[{"reveille": {"done": true}}]', undefined],
    ['"\\"reveille\\""', undefined],
    ['say "reveille" aloud', undefined],
    ['{"reveille": null}', undefined],
  ])("%s", (text, control) => {
    expect(readSteeringAnswer(text)?.steering.control).toEqual(control);
  });

  it("is a fault where the answer is too long to be read whole, and only there", () => {
    const fault = readSteeringAnswer('{"reveille": {"done": true}, "text": "xxx', true)?.steering.faults;
    expect(fault).toMatchObject([{ field: "control", problem: expect.stringContaining("at most 256 KiB") }]);
    expect(readSteeringAnswer('say "reveille" aloud', true)).toBeUndefined();
  });

  it.each<[string, string | undefined]>([
    ['{"reveille": {"done": true}, "output": "all quiet"}', "all quiet"],
    ['{"output": [1, "two"], "reveille": {"done": true}}', '[1,"two"]'],
    ['{"reveille": {"done": true}, "output": "all quiet", "mails": 3}', undefined],
    ['{"reveille": {"done": true}, "output": null}', undefined],
    ['{"reveille": {"done": true}}', undefined],
  ])("leaves the output to the key beside it if that is the only one: %s", (text, output) => {
    expect(readSteeringAnswer(text)?.output).toBe(output);
  });

  it("is a fault where it is no object", () => {
    expect(readSteeringAnswer('{"reveille": "done"}')?.steering.faults).toHaveLength(1);
  });
});
