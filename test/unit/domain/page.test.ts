import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { cursorsOf } from "../../../src/domain/page.ts";

const jobs = cursorsOf("jobs", z.tuple([z.int(), z.string()]));
const users = cursorsOf("users", z.string());
const encoded = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");

describe("a cursor", () => {
  it("gives back the key it was made of, in characters that need no escape in a URL", () => {
    fc.assert(
      fc.property(fc.integer(), fc.string({ unit: "grapheme", maxLength: 128 }), (createdAt, id) => {
        const cursor = jobs.encode([createdAt, id]);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(jobs.decode(cursor)).toEqual({ ok: true, value: [createdAt, id] });
      }),
    );
  });

  it.each([
    ["empty", ""],
    ["not base64url", "a+b/"],
    ["of an impossible length", "abcde"],
    ["no JSON", "abcd"],
    ["of another list", users.encode("u1")],
    ["of another shape", encoded(["jobs", ["1", "j1"]])],
    ["a broken number", encoded(["jobs", [1.5, "j1"]])],
    ["too long", "A".repeat(4_000)],
  ])("that is %s is refused by the field's name, with what to do instead", (_, cursor) => {
    expect(jobs.decode(cursor)).toEqual({
      ok: false,
      error: {
        kind: "validation_failed",
        errors: [{ path: "cursor", message: expect.stringMatching(/^is not a cursor of this list: send next_cursor/) }],
        hint: expect.stringContaining("next_cursor"),
      },
    });
  });

  it("never makes decoding throw, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[A-Za-z0-9_-]{0,40}$/)), (cursor) => {
        expect(jobs.decode(cursor).ok).toBe(false);
      }),
    );
  });
});
