import { expect, it } from "vitest";
import { compact } from "../../../src/domain/compact.ts";
import { pageOf } from "../../../src/domain/page.ts";

it("compact leaves out only undefined fields", () => {
  const empty: string | undefined = undefined;
  const compacted: { a: number; b?: string } = compact({ a: 1, b: empty });
  expect(compacted).toStrictEqual({ a: 1 });
  expect(compact({ a: null, b: "", c: 0, d: false, e: [] })).toStrictEqual({ a: null, b: "", c: 0, d: false, e: [] });
});

it.each([
  ["no row", [], { items: [] }],
  ["fewer rows than asked for", [1], { items: [1] }],
  ["as many", [1, 2], { items: [1, 2] }],
  ["one more", [1, 2, 3], { items: [1, 2], next: "after 2" }],
])("a page of %s has a next one only if there is more", (_what, rows, page) => {
  expect(pageOf(rows, 2, (row) => `after ${row}`)).toStrictEqual(page);
});
