import fc from "fast-check";
import { expect, it } from "vitest";
import { traceparent } from "../../../../src/domain/run/traceparent.ts";

it("is a sampled W3C trace context, the same whenever it is asked for", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 10 }), (runId, attempt) => {
      expect(traceparent(runId, attempt)).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
      expect(traceparent(runId, attempt)).toBe(traceparent(runId, attempt));
    }),
  );
});

it("shares the trace among the attempts of a run, and the span with none", () => {
  const attempts = Array.from({ length: 10 }, (_, n) => traceparent("job-s1795424400000", n + 1).split("-"));
  expect(new Set(attempts.map(([, trace]) => trace)).size).toBe(1);
  expect(new Set(attempts.map(([, , span]) => span)).size).toBe(10);
  expect(traceparent("job-s1795424400001", 1).split("-")[1]).not.toBe(attempts[0]?.[1]);
});
