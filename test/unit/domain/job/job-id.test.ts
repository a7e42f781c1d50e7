import fc from "fast-check";
import { expect, it } from "vitest";
import {
  hasJobIdForm,
  isJobId,
  isMintedJobId,
  JOB_ID_BYTES,
  jobIdFromBytes,
} from "../../../../src/domain/job/job-id.ts";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const bytes = fc.uint8Array({ minLength: JOB_ID_BYTES, maxLength: JOB_ID_BYTES + 19 });

it("mints well-formed ids that it recognises, the same from the same bytes", () => {
  fc.assert(
    fc.property(bytes, (random) => {
      const id = jobIdFromBytes(random);
      expect(id).toMatch(/^j[0-9a-z]{24}$/);
      expect(isJobId(id)).toBe(true);
      expect(isMintedJobId(id)).toBe(true);
      expect(jobIdFromBytes(random.slice(0, JOB_ID_BYTES))).toBe(id);
    }),
  );
});

it("never changes, since clients store ids", () => {
  expect(jobIdFromBytes(new Uint8Array(13))).toBe("j00000000000000000000r14b");
});

it("puts every one of the first hundred bits into the id", () => {
  const ids = new Set<string>();
  for (let bit = 0; bit < 100; bit++) {
    const single = new Uint8Array(JOB_ID_BYTES);
    single[bit >> 3] = 0x80 >> (bit & 7);
    ids.add(jobIdFromBytes(single));
  }
  expect(ids.size).toBe(100);
});

it("recognises no id with one character changed", () => {
  // A change passes the 20-bit checksum once in a million; the cases are fixed, so that the test is as well.
  for (let seed = 0; seed < 20; seed++) {
    const id = jobIdFromBytes(new Uint8Array(JOB_ID_BYTES).fill(seed * 7));
    for (let at = 1; at < id.length; at++) {
      for (const other of ALPHABET) {
        if (other === id[at]) continue;
        const changed = id.slice(0, at) + other + id.slice(at + 1);
        expect(isMintedJobId(changed), changed).toBe(false);
      }
    }
  }
});

it.each(["", "j", "job-1", "J00000000000000000000", "x".repeat(25), `j${"0".repeat(24)}`, `j${"!".repeat(24)}`])(
  "did not mint %j",
  (id) => {
    expect(isMintedJobId(id)).toBe(false);
  },
);

it.each([
  ["a", true],
  ["Imported_id-7", true],
  ["x".repeat(64), true],
  ["x".repeat(65), false],
  ["", false],
  ["a.b", false],
  ["a/b", false],
  ["a b", false],
  ["a\n", false],
  ["é", false],
])("takes 1-64 of A-Za-z0-9_- as a job's id: %j", (id, allowed) => {
  expect(isJobId(id)).toBe(allowed);
});

it("refuses to make an id that could be guessed", () => {
  expect(() => jobIdFromBytes(new Uint8Array(JOB_ID_BYTES - 1))).toThrow("needs 13 bytes");
});

it("cannot be forged without the key", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: JOB_ID_BYTES, maxLength: 20 }),
      fc.string({ minLength: 8 }),
      (bytes, key) => {
        const id = jobIdFromBytes(bytes, key);
        expect([isMintedJobId(id, key), hasJobIdForm(id), id.length]).toEqual([true, true, 25]);
        // One in a million passes by chance, and no key is its own twin.
        if (id !== jobIdFromBytes(bytes)) expect(isMintedJobId(id)).toBe(false);
      },
    ),
  );
});
