import fc from "fast-check";
import { expect, it } from "vitest";
import { sessionId } from "../../../../src/domain/run/session.ts";

const started = { startedAt: 1_795_424_400_000, seq: 7 };

it.each([
  ["a job alone", { mode: "reuse" }, "scheduler:job"],
  ["with an agent", { mode: "reuse", agentId: "main" }, "main:scheduler:job"],
  ["as a user", { mode: "reuse", userId: "42" }, "scheduler:job:u42"],
  ["with an agent, as a user", { mode: "reuse", agentId: "main", userId: "42" }, "main:scheduler:job:u42"],
  ["empty ids mean none", { mode: "reuse", agentId: "", userId: "" }, "scheduler:job"],
  ["a new session", { mode: "new" }, "scheduler:job:1795424400000007"],
  ["a new session as a user", { mode: "new", userId: "42" }, "scheduler:job:u42:1795424400000007"],
  [
    "a new session with an agent, as a user",
    { mode: "new", agentId: "main", userId: "42" },
    "main:scheduler:job:u42:1795424400000007",
  ],
] as const)("writes the session as docs/contract.md §2 has it: %s", (_case, parts, expected) => {
  expect(sessionId({ jobId: "job", ...started, ...parts })).toBe(expected);
});

it("in mode reuse is the same for every run, in mode new different for runs of one millisecond", () => {
  fc.assert(
    fc.property(
      fc.nat(4_102_444_800_000),
      fc.nat(1_000_000),
      fc.integer({ min: 1, max: 999 }),
      (startedAt, seq, later) => {
        const first = { jobId: "job", startedAt, seq };
        const second = { jobId: "job", startedAt, seq: seq + later };
        expect(sessionId({ ...first, mode: "reuse" })).toBe(sessionId({ ...second, mode: "reuse" }));
        expect(sessionId({ ...first, mode: "new" })).not.toBe(sessionId({ ...second, mode: "new" }));
        expect(sessionId({ ...first, mode: "new" })).toBe(sessionId({ ...first, mode: "new" }));
      },
    ),
  );
});

it("in mode new differs for runs of different milliseconds, with any numbers", () => {
  fc.assert(
    fc.property(
      fc.nat(4_102_444_800_000),
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1 }),
      (startedAt, seq, other, later) => {
        const first = sessionId({ jobId: "job", mode: "new", startedAt, seq });
        expect(sessionId({ jobId: "job", mode: "new", startedAt: startedAt + later, seq: other })).not.toBe(first);
      },
    ),
  );
});
