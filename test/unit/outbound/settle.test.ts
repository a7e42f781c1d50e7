/** Foreign code always ends. Even if it hangs or throws, the wrapper answers in time and never rejects. */
import { describe, expect, it } from "vitest";
import { Deadline } from "../../../src/outbound/deadline.ts";
import { settle, settleWithin } from "../../../src/outbound/settle.ts";

const bare = Object.create(null) as unknown;
const unreadable = new Proxy(new Error("hidden"), {
  get: () => {
    throw new Error("not even this");
  },
});

describe("settleWithin", () => {
  it.each([
    ["a value", () => 7],
    ["a promise", async () => 7],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no Promise is the case under test
    ["a thenable", () => ({ then: (resolve: (n: number) => void) => resolve(7) }) as PromiseLike<number>],
  ])("returns the work's result: %s", async (_name, work) => {
    expect(await settleWithin<number>(work, 1_000)).toEqual({ ok: true, value: 7 });
  });

  it.each([
    ["an Error", new TypeError("no"), "TypeError: no"],
    ["a text", "no", "no"],
    ["nothing", undefined, "undefined"],
    ["a value without a prototype", bare, "it threw a value that cannot be read"],
    ["an Error that cannot be read", unreadable, "it threw a value that cannot be read"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["a text without an end", "x".repeat(10_000), "x".repeat(2_048)],
  ])("answers a failure when the work throws %s, at once or later", async (_name, thrown, reason) => {
    const atOnce = await settleWithin(() => {
      throw thrown;
    }, 1_000);
    const later = await settleWithin(() => Promise.reject(thrown), 1_000);
    for (const answer of [atOnce, later])
      expect(answer).toMatchObject({ ok: false, error: { kind: "failed", reason } });
  });

  it("answers a failure when a thenable throws instead of settling", async () => {
    // biome-ignore lint/suspicious/noThenProperty: a thenable that throws is the case under test
    const hostile = Object.defineProperty({}, "then", {
      get: () => {
        throw bare;
      },
    }) as PromiseLike<number>;
    expect(await settleWithin(() => hostile, 1_000)).toMatchObject({ ok: false, error: { kind: "failed" } });
  });

  it("answers a timeout when the work never settles, and aborts the work's signal", async () => {
    let signal: AbortSignal | undefined;
    const answer = await settleWithin((given) => {
      signal = given;
      return new Promise<never>(() => undefined);
    }, 5);
    expect(answer).toEqual({ ok: false, error: { kind: "timeout" } });
    expect(signal?.aborted).toBe(true);
  });

  it("answers `aborted` when the caller aborts, also before the work has begun", async () => {
    const controller = new AbortController();
    const never = () => new Promise<never>(() => undefined);
    const answer = settleWithin(never, 60_000, { signal: controller.signal });
    controller.abort();
    expect(await answer).toEqual({ ok: false, error: { kind: "aborted" } });
    expect(await settleWithin(never, 60_000, { signal: controller.signal })).toEqual(await answer);
  });
});

describe("settle", () => {
  it("does not begin work whose deadline has been interrupted", async () => {
    const deadline = new Deadline(1_000);
    deadline.interrupt("timeout");
    let began = false;
    const answer = await settle(() => {
      began = true;
    }, deadline);
    expect([answer, began]).toEqual([{ ok: false, error: { kind: "timeout" } }, false]);
  });

  it("passes a late value on, and ignores an error of its taker and a late rejection", async () => {
    const deadline = new Deadline(1_000);
    const source = Promise.withResolvers<string>();
    const failing = Promise.withResolvers<string>();
    const taken: string[] = [];
    const answers = [
      settle(
        () => source.promise,
        deadline,
        (value) => {
          taken.push(value);
          throw bare;
        },
      ),
      settle(() => failing.promise, deadline),
    ];
    deadline.interrupt("aborted");
    expect(await Promise.all(answers)).toEqual(Array(2).fill({ ok: false, error: { kind: "aborted" } }));
    source.resolve("late");
    failing.reject(bare);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(taken).toEqual(["late"]);
  });
});
