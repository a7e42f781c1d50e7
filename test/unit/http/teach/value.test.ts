import { describe, expect, it } from "vitest";
import { durationsOf, epochText, unitOf } from "../../../../src/http/teach/value.ts";

describe("durations that a value may mean", () => {
  it.each<[unknown, readonly string[]]>([
    [3600, ["3600s", "1h"]],
    ["90", ["90s", "1m30s"]],
    ["1 hour", ["1h"]],
    ["2 hours 30 min", ["2h30m"]],
    ["every 5 minutes", ["5m"]],
    ["in 20 minutes", ["20m"]],
    ["hourly", ["1h"]],
    ["PT1H30M", ["1h30m"]],
    ["P2D", ["2d"]],
    ["constructor", []],
    ["toString", []],
    ["soon", []],
    [-5, []],
    [Number.NaN, []],
    [1e300, []],
    [null, []],
  ])("%j: %j", (value, texts) => {
    expect(durationsOf(value)).toEqual(texts);
  });

  it.each([
    ["timeout_ms", { base: "timeout", ms: 1 }],
    ["everyMinutes", { base: "every", ms: 60_000 }],
    ["seconds", { base: "", ms: 1_000 }],
    ["timeout", undefined],
  ])("%s ends in a unit: %j", (name, unit) => {
    expect(unitOf(name)).toEqual(unit);
  });

  it.each([
    [1_798_790_400, "2027-01-01T08:00:00Z"],
    [1_798_790_400_000, "2027-01-01T08:00:00Z"],
    ["1798790400", "2027-01-01T08:00:00Z"],
    [-1, undefined],
    [1e20, undefined],
    ["12", undefined],
  ])("%j as an epoch: %s", (value, text) => {
    expect(epochText(value)).toBe(text);
  });
});

it("takes no longer for a hostile duration", () => {
  for (const text of [
    `${"1xand ".repeat(40)}!`,
    "1".repeat(200_000),
    `${"1a".repeat(100_000)}!`,
    `1${" ".repeat(200_000)}x`,
  ]) {
    const begun = performance.now();
    durationsOf(text);
    expect(performance.now() - begun).toBeLessThan(500);
  }
});

it("reads an `and` between parts of a duration", () => {
  expect(durationsOf("1 hour and 30 minutes")).toEqual(["1h30m"]);
  expect(durationsOf("1 hour, 30 min")).toEqual(["1h30m"]);
});
