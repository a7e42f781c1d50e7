/** Detects a server whose cursors go round in a circle, and never one whose cursors differ. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type CursorTrace, traceCursor } from "../../../../src/domain/text/cursor-cycle.ts";

/** How many cursors are followed until the circle is seen, or undefined where none is seen. */
function stepsUntilSeen(cursors: Iterable<string>): number | undefined {
  let trace: CursorTrace | undefined;
  let steps = 0;
  for (const cursor of cursors) {
    const next = traceCursor(trace, cursor);
    if (next === undefined) return steps;
    trace = next;
    steps++;
  }
  return undefined;
}

function* circling(tail: number, circle: number): Generator<string> {
  for (let i = 0; i < tail; i++) yield `tail-${i}`;
  for (let i = 0; ; i++) yield `circle-${i % circle}`;
}

it("any circle is found, within a few times its length and its way in", () => {
  fc.assert(
    fc.property(fc.nat(300), fc.integer({ min: 1, max: 300 }), (tail, circle) => {
      expect(stepsUntilSeen(circling(tail, circle))).toBeLessThanOrEqual(3 * (tail + circle) + 3);
    }),
  );
});

it("a chain without repeats is followed to its end", () => {
  expect(stepsUntilSeen(Array.from({ length: 5_000 }, (_, i) => `c${i}`))).toBeUndefined();
});
