/** The report of a run's outcome (docs/contract.md §6, §15, §21): the part that Reveille accepts in one call, for any result of the code. */
import { describe, expect, it } from "vitest";
import { completionOf } from "../../../src/agent-kit/outcome.ts";
import { MAX_BODY_BYTES, MAX_OUTPUT_BYTES } from "../../../src/schema/limits.ts";
import { CompleteBody } from "../../../src/schema/run.ts";
import { utf8Bytes } from "../../../src/schema/text.ts";

const control = {};
const LONG = 1_000_000;
/** Of an error so much is kept. */
const MAX_ERROR_BYTES = 4_096;
const circle: { self?: object } = {};
circle.self = circle;

describe("the report of an outcome", () => {
  it.each([
    ["text", { value: "done" }, { status: "success", output: "done" }],
    ["an object", { value: { found: 3 } }, { status: "success", output: { found: 3 } }],
    ["a number", { value: 7 }, { status: "success", output: "7" }],
    ["nothing", {}, { status: "success" }],
    ["an error", { failure: { error: new Error("no") } }, { status: "error", error: "no" }],
    [
      "an answer of 500",
      { reply: { status: 500, headers: [], text: "down" } },
      { status: "error", error: "500: down" },
    ],
  ])("is what was said: %s", (_name, outcome, report) => {
    expect(completionOf({ ...outcome, control })).toEqual(report);
  });

  it.each([
    ["text", { value: "é".repeat(LONG) }],
    ["characters that JSON escapes", { value: "\u0001".repeat(LONG) }],
    ["an object", { value: { list: Array.from({ length: LONG / 10 }, (_, n) => n) } }],
    ["an answer", { reply: { status: 200, headers: [], text: "x".repeat(LONG) } }],
    ["an error", { failure: { error: new Error("x".repeat(LONG)) } }],
    ["an answer of 502", { reply: { status: 502, headers: [], text: "<p>".repeat(LONG) } }],
    ["an answer of 410", { reply: { status: 410, headers: [], text: "\u0001".repeat(LONG) } }],
  ])("is no longer than Reveille takes, and so long that it is known to be cut: %s", (_name, outcome) => {
    const report = completionOf({ ...outcome, control });
    expect(utf8Bytes(JSON.stringify(report))).toBeLessThan(MAX_BODY_BYTES);
    expect(CompleteBody.safeParse(report).success).toBe(true);
    const { output, error } = report ?? {};
    expect(utf8Bytes(String(output ?? error))).toBeGreaterThan(
      error === undefined ? MAX_OUTPUT_BYTES : MAX_ERROR_BYTES,
    );
  });

  it.each([
    ["a circle", circle],
    ["a bigint", { n: 1n }],
  ])("is an error for an output that is no JSON: %s", (_name, value) => {
    expect(completionOf({ value, control })).toMatchObject({
      status: "error",
      error: expect.stringContaining("the output cannot be written as JSON"),
    });
  });
});
