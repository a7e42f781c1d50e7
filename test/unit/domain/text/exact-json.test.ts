import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isExact,
  parseExactJson,
  parseImportedJson,
  parsePayload,
  writeExactJson,
} from "../../../../src/domain/text/exact-json.ts";
import { LossyNumber, Payload } from "../../../../src/schema/payload.ts";

describe("a number that a double holds as it was written", () => {
  it.each([
    "0",
    "1",
    "-1",
    "0.1",
    "1.50",
    "1e3",
    "100e-2",
    "9007199254740992",
    "1e400".slice(0, 3),
    "5e-324",
    "0.000001",
  ])("%s is exact", (written) => {
    expect(isExact(written)).toBe(true);
  });

  it.each([
    "1234567890123456789",
    "9007199254740993",
    "1e400",
    "-1e400",
    "-0",
    "-0.0",
    "1e-400",
    "0.12345678901234567890",
  ])("%s is not exact", (written) => {
    expect(isExact(written)).toBe(false);
  });

  it("includes every number that JavaScript writes, except negative zero", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(isExact(JSON.stringify(value))).toBe(true);
      }),
    );
  });
});

describe("JSON", () => {
  it("is read as JSON.parse reads it, all forms and keys included", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, "\t"), (json, space) => {
        const text = JSON.stringify({ "beside 12345678901234567890": 1, value: JSON.parse(json) }, null, space);
        expect(JSON.stringify(parseExactJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(["", "{", "[1,]", "01", "{'a': 1}", "1234567890123456789x"])("that is invalid throws: %s", (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  it("of any depth is read without an overflow", () => {
    const text = `${"[".repeat(100_000)}1e400${"]".repeat(100_000)}`;
    expect(Array.isArray(parseExactJson(text))).toBe(true);
  });

  it.each([
    ["a body", '{"payload": {"a": [1e400]}}'],
    ["a list of jobs", '[{"payload": {"a": [1e400]}}]'],
    ["a file of jobs", '{"jobs": [{"payload": {"a": [1e400]}}]}'],
    ["a tool's call", '{"params": {"arguments": {"payload": {"a": [1e400]}}}}'],
  ])("marks a lossy number in the payload of %s", (_, text) => {
    expect(JSON.stringify(findLossy(parseExactJson(text)))).toBe("null");
    expect(findLossy(parseExactJson(text))).toBeInstanceOf(LossyNumber);
  });

  it("leaves numbers elsewhere as JSON.parse reads them", () => {
    const text = '{"output": {"payload": 12345678901234567890}, "n": 12345678901234567890}';
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  it("of the Go original keeps a user_id of 64 bits as its digits", () => {
    expect(parseImportedJson('[{"user_id": 1234567890123456789, "n": 1234567890123456789}]')).toEqual([
      { user_id: "1234567890123456789", n: Number("1234567890123456789") },
    ]);
  });
});

it("that holds a lossy number is written as it was read", () => {
  const text = '[{"payload":{"id":1234567890123456789,"text":"1e400","list":[-0]}}]';
  expect(writeExactJson(parseImportedJson(text))).toBe(text);
});

function findLossy(value: unknown): unknown {
  if (value instanceof LossyNumber || typeof value !== "object" || value === null) return value;
  return findLossy(Object.values(value)[0]);
}

describe("a payload", () => {
  const check = (text: string) => Payload.safeParse(parsePayload(text));

  it("keeps every key, `__proto__` too, and pollutes nothing", () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"":{"__proto__":null},"big":1.5e3}';
    const payload = check(text).data;
    expect(JSON.stringify(payload)).toBe(text.replace("1.5e3", "1500"));
    expect(JSON.stringify(structuredClone(payload))).toBe(JSON.stringify(payload));
    expect("polluted" in {}).toBe(false);
  });

  it("is refused for every number that would change, with its place and the string to send", () => {
    const checked = check('{"id": 1234567890123456789, "list": [{"x": -0}, 1]}');
    expect(checked.error?.issues.map(({ path, message }) => [path.join("."), message])).toEqual([
      [
        "id",
        'would reach the agent as another number (1234567890123456800); send it as a string: "1234567890123456789"',
      ],
      ["list.0.x", 'would reach the agent as another number (0); send it as a string: "-0"'],
    ]);
  });

  it.each(["[]", "1", '"text"', "null", "1e400"])("is an object, and not %s", (text) => {
    expect(check(text).success).toBe(false);
  });

  it("is refused beyond 64 KiB as JSON", () => {
    const of = (bytes: number) => Payload.safeParse({ a: "x".repeat(bytes - '{"a":""}'.length) }).success;
    expect([of(65_536), of(65_537)]).toEqual([true, false]);
  });
});
