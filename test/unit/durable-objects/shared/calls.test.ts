/** Calls in flight. Each is answered once, shortly after its deadline at the latest. */
import { expect, it, vi } from "vitest";
import { Calls } from "../../../../durable-objects/shared/calls.ts";
import type { Deadline } from "../../../../src/outbound/deadline.ts";

const GRACE_MS = 100;
const answered = vi.fn();
const calls = () =>
  new Calls<string>({
    graceMs: GRACE_MS,
    givenUp: (timeoutMs) => `given up after ${timeoutMs}`,
    threw: () => "threw",
    answered,
  });
const settled = () => new Promise((resolve) => setTimeout(resolve));

it("a call's answer is taken once, and then the call is over", async () => {
  const some = calls();
  some.begin("a", 1_000, 0, async () => "yes");
  await settled();
  expect(answered).toHaveBeenCalled();
  expect([some.size, some.hasAnswers]).toEqual([1, true]);
  expect(some.takeAnswers()).toEqual(new Map([["a", "yes"]]));
  expect([some.size, some.hasAnswers, some.takeAnswers().size]).toEqual([0, false, 0]);
});

it.each([
  ["at once", () => expect.fail("at once")],
  ["later", () => Promise.reject(Object.create(null))],
])("a call that throws %s has an answer too", async (_when, make) => {
  const some = calls();
  some.begin("a", 1_000, 0, make as () => Promise<string>);
  await settled();
  expect(some.takeAnswers().get("a")).toBe("threw");
});

it("a call that ignores its deadline is given up shortly after, and its later answer does not count", async () => {
  const some = calls();
  const late = Promise.withResolvers<string>();
  let deadline: Deadline | undefined;
  some.begin("a", 1_000, 0, (given) => {
    deadline = given;
    return late.promise;
  });
  expect(some.nextEnd(0)).toBe(1_000);
  some.watch(1_000);
  expect(deadline?.interruption).toEqual({ kind: "timeout" });
  expect(some.nextEnd(1_000)).toBe(1_000 + GRACE_MS);
  expect(some.takeAnswers().size).toBe(0);
  some.watch(1_000 + GRACE_MS);
  late.resolve("late");
  await settled();
  expect(some.takeAnswers().get("a")).toBe("given up after 1000");
});

it("a call that is aborted has no answer", async () => {
  const some = calls();
  some.begin("a", 1_000, 0, async () => "yes");
  some.abort("a");
  await settled();
  expect([some.size, some.hasAnswers]).toEqual([0, false]);
});

it("a call begun again under the same key is not answered by the previous one", async () => {
  const some = calls();
  const first = Promise.withResolvers<string>();
  some.begin("a", 1_000, 0, () => first.promise);
  some.abort("a");
  some.begin("a", 1_000, 0, async () => "second");
  first.resolve("first");
  await settled();
  expect(some.takeAnswers().get("a")).toBe("second");
});
