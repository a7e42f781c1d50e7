import fc from "fast-check";
import { expect, it } from "vitest";
import { cutUtf8 } from "../../../../src/domain/text/cut-text.ts";
import { utf8Bytes } from "../../../../src/schema/text.ts";

it.each([
  ["fits exactly", "abc", 3, "abc", false],
  ["ASCII", "abcd", 3, "abc", true],
  ["two bytes that would be split", "aé", 2, "a", true],
  ["two bytes that fit", "aé", 3, "aé", false],
  ["an emoji that would be split", "a😀b", 4, "a", true],
  ["an emoji that fits", "a😀b", 5, "a😀", true],
  ["nothing fits", "€", 2, "", true],
  ["no room at all", "a", 0, "", true],
  ["empty", "", 0, "", false],
])("cuts between characters: %s", (_case, text, maxBytes, expected, truncated) => {
  expect(cutUtf8(text, maxBytes)).toEqual({ text: expected, truncated });
});

it("keeps the longest beginning that fits, and never half a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, maxBytes) => {
      const cut = cutUtf8(text, maxBytes);
      expect(utf8Bytes(cut.text)).toBeLessThanOrEqual(maxBytes);
      expect(text.startsWith(cut.text)).toBe(true);
      expect(cut.text.isWellFormed()).toBe(true);
      expect(cut.truncated).toBe(cut.text !== text);
      const [next] = text.slice(cut.text.length);
      if (next !== undefined) expect(utf8Bytes(cut.text + next)).toBeGreaterThan(maxBytes);
    }),
  );
});
