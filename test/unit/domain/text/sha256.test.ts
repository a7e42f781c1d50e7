import fc from "fast-check";
import { expect, it } from "vitest";
import { base32 } from "../../../../src/domain/text/base32.ts";
import { sha256 } from "../../../../src/domain/text/sha256.ts";

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

it.each([
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
])("gives the digest that NIST publishes for %j", (text, digest) => {
  expect(hex(sha256(text))).toBe(digest);
});

it("agrees with WebCrypto on any text, across every block boundary", async () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.integer({ min: 0, max: 200 }).map((length) => "a".repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      expect(hex(sha256(text))).toBe(hex(new Uint8Array(digest)));
    }),
  );
});

it("writes five bits a character, from the first bit on, and no more than asked for", () => {
  expect(base32(new Uint8Array([0b00000_000, 0b01_11111_0]), 3)).toBe("01z");
  expect(base32(new Uint8Array([255, 255, 255, 255, 255]), 4)).toBe("zzzz");
  expect(base32(new Uint8Array([255]), 4)).toBe("z");
});
