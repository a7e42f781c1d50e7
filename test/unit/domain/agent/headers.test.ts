import { describe, expect, it } from "vitest";
import { acceptHeaders, maskHeaders } from "../../../../src/domain/agent/headers.ts";

const stored = { Authorization: "Bearer a-long-secret-of-the-agent", "x-team": "ops" };
const pathsOf = (written: Record<string, string>, before = {}) => {
  const accepted = acceptHeaders(written, before);
  return accepted.ok ? [] : accepted.error.map(({ path }) => path);
};

describe("an agent's headers", () => {
  it("are shown masked, and keep their values when the masked ones are sent back", () => {
    const shown = maskHeaders(stored);
    expect(shown).toEqual({ Authorization: "…gent", "x-team": "…" });
    expect(acceptHeaders(shown, stored)).toEqual({ ok: true, value: stored });
    expect(acceptHeaders({ authorization: "…gent", "x-new": "1" }, stored)).toEqual({
      ok: true,
      value: { authorization: stored.Authorization, "x-new": "1" },
    });
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["masked, with nothing stored that is shown so", { authorization: "…aaaa" }, ["headers.authorization"]],
    [
      "ours",
      { "Webhook-Signature": "v1,x", "Content-Type": "text/plain" },
      ["headers.Webhook-Signature", "headers.Content-Type"],
    ],
    ["no names", { "x y": "1", "": "1", é: "1" }, ["headers.x y", "headers.", "headers.é"]],
    [
      "no values",
      { a: "x\r\ny: 1", b: " x", c: "", d: "é", e: "x".repeat(5_000) },
      ["a", "b", "c", "d", "e"].map((name) => `headers.${name}`),
    ],
    ["twice, in another case", { "X-A": "1", "x-a": "2" }, ["headers.x-a"]],
  ])("are refused that are %s", (_what, written, paths) => {
    expect(pathsOf(written)).toEqual(paths);
  });

  it("are at most eight", () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, no) => [`x-${no}`, "1"]));
    expect(pathsOf(many(8))).toEqual([]);
    expect(pathsOf(many(9))).toEqual(["headers"]);
  });
});
