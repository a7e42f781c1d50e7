import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hash32, SHARD_COUNT, shardOf } from "../../../src/domain/directory-shard.ts";
import { isInSlice, SMALL_SLICES } from "../../../src/domain/limits/sweep.ts";
import { compareUtf8 } from "../../../src/domain/text/compare-utf8.ts";

describe("shardOf", () => {
  it.each([
    ["system", 8],
    ["user:1", 15],
    ["user:2", 14],
    ["user:émile", 4],
    ["plugin:mail", 13],
    ["agent:anna", 2],
    ["roster:42", 2],
  ])("puts %s where it was put at the first deploy: shard %i", (key, shard) => {
    expect(shardOf(key, 16)).toBe(shard);
  });

  it("spreads owners that differ in a digit only", () => {
    const sizes = Array.from({ length: SHARD_COUNT }, () => 0);
    for (let user = 0; user < 16_000; user++) {
      const shard = shardOf(`user:${user}`, SHARD_COUNT);
      sizes[shard] = (sizes[shard] ?? 0) + 1;
    }
    expect(Math.min(...sizes)).toBeGreaterThan(850);
    expect(Math.max(...sizes)).toBeLessThan(1_150);
  });

  it("is a shard that exists, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 64 }), (key, shards) => {
        const shard = shardOf(key, shards);
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
      }),
    );
  });

  it("treats a lone surrogate as storage does", () => {
    expect(hash32("a\ud800")).toBe(hash32("a\ufffd"));
  });
});

describe("the sweep", () => {
  it("looks at every job of a small shard exactly once in as many minutes as there are slices", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(30_000_000), fc.integer({ min: 1, max: 100 }), (id, firstMinute, slices) => {
        const turns = Array.from({ length: slices }, (_, i) => isInSlice(id, firstMinute + i, slices));
        expect(turns.filter(Boolean)).toHaveLength(1);
      }),
    );
  });

  it("looks at no job more often than every ten minutes", () => {
    expect(SMALL_SLICES).toBe(10);
  });
});

describe("compareUtf8", () => {
  const bytes = (text: string) => [...new TextEncoder().encode(text)];
  const compareBytes = (a: readonly number[], b: readonly number[]): number => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
  };

  it("orders texts as their bytes of UTF-8 are ordered", () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom("a", "b", "ÿ", "\uffff", "！", "😀", "\u{10ffff}"),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(compareBytes(bytes(a), bytes(b))));
      }),
    );
  });

  it("puts an emoji after a full-width mark, where JavaScript's own order does not", () => {
    expect("😀" < "！").toBe(true);
    expect(compareUtf8("😀", "！")).toBeGreaterThan(0);
  });
});
