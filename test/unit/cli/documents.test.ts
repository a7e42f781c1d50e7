import { describe, expect, it } from "vitest";
import { parseDocument } from "../../../src/cli/documents.ts";
import { writeExactJson } from "../../../src/domain/text/exact-json.ts";

describe("a file that people write", () => {
  it.each([
    ["a.json", '{"payload": {"n": 12345678901234567890, "x": 1}}'],
    ["a.yaml", "payload: {n: 12345678901234567890, x: 1}"],
    ["a.toml", "[payload]\nn = 1234567890123456789\nx = 1"],
  ])("keeps a number that a double cannot hold as it was written, for the service to refuse: %s", (name, text) => {
    expect(writeExactJson(parseDocument(text, name))).toMatch(/"n":123456789012345678\d+,"x":1/);
  });

  it.each([
    ["a.json", '{"jobs": {"a": 1, "a": 2}}', /unique/],
    ["a.yaml", "jobs: {a: 1, a: 2}", /unique/],
    ["a.toml", "a = 1\na = 2", /a\.toml cannot be read/],
    ["a.json", "{", /a\.json cannot be read/],
    ["a.yaml", "a: .inf", /no number of JSON/],
    ["a.toml", "a = nan", /no number of JSON/],
  ])("is refused when a name appears twice or the text cannot be read: %s %s", (name, text, words) => {
    expect(() => parseDocument(text, name)).toThrow(words);
  });

  it("may begin with a byte order mark, and hold times and __proto__", () => {
    expect(parseDocument('\ufeff{"a": 1}', "a.json")).toEqual({ a: 1 });
    expect(parseDocument("at: 2027-01-01T00:00:00Z", "a.yaml")).toEqual({ at: "2027-01-01T00:00:00Z" });
    expect(parseDocument("at = 2027-01-01T00:00:00Z", "a.toml")).toEqual({ at: "2027-01-01T00:00:00.000Z" });
    expect(Object.keys(Object(parseDocument('{"__proto__": 1}', "a.json")))).toEqual(["__proto__"]);
    expect(Object.keys(Object(parseDocument("__proto__: 1", "a.yaml")))).toEqual(["__proto__"]);
  });
});
