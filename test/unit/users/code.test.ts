/** Users from code, which is foreign code: it may be slow, fail, or answer after it was given up. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { codeSource } from "../../../src/users/code.ts";

const SECOND_MS = 1_000;
const users = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function readAll(source: ReturnType<typeof codeSource>, cursor?: unknown): Promise<string[]> {
  const page = await source.page(cursor);
  if (!page.ok) throw new Error(page.error.reason);
  const { users: read, cursor: next } = page.value;
  return next === undefined ? [...read] : [...read, ...(await readAll(source, next))];
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a page that was given up", () => {
  it("does not consume users of the next attempt", async () => {
    let queries = 0;
    const source = codeSource(async function* () {
      await wait(++queries === 1 ? 38 * SECOND_MS : 4 * SECOND_MS);
      for (const user of users(600)) {
        await wait(1);
        yield user;
      }
    });
    const first = source.page(undefined);
    await vi.advanceTimersByTimeAsync(32 * SECOND_MS);
    expect(await first).toMatchObject({ ok: false, error: { retryable: true } });
    const second = source.page(undefined);
    await vi.advanceTimersByTimeAsync(20 * SECOND_MS);
    expect(await second).toEqual({ ok: true, value: { users: users(600) } });
  });

  it.each([
    ["never answers", () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) })],
    ["never answers, nor when it is closed", () => stuck()],
  ])("of code that %s is a failure after 30 seconds", async (_what, code) => {
    const page = codeSource(code).page(undefined);
    await vi.advanceTimersByTimeAsync(32 * SECOND_MS);
    expect(await page).toMatchObject({ ok: false, error: { reason: expect.stringContaining("within 30s") } });
  });
});

describe("the limit", () => {
  it("is for one user, so that skipping users after a crash may take longer", async () => {
    const source = codeSource(async function* () {
      for (const user of users(1_200)) {
        await wait(100);
        yield user;
      }
    });
    const page = source.page(1_000);
    await vi.advanceTimersByTimeAsync(121 * SECOND_MS);
    expect(await page).toEqual({ ok: true, value: { users: users(1_200).slice(1_000) } });
  });

  it("hands a page over after 30 seconds, so that slow users keep nobody waiting and none is lost", async () => {
    const source = codeSource(async function* () {
      for (const user of users(7)) {
        await wait(9 * SECOND_MS);
        yield user;
      }
    });
    const first = source.page(undefined);
    await vi.advanceTimersByTimeAsync(50 * SECOND_MS);
    const page = await first;
    if (!page.ok) throw new Error(page.error.reason);
    const { users: read, cursor } = page.value;
    expect([read.length < 7, cursor]).toEqual([true, read.length]);
    const rest = readAll(source, cursor);
    await vi.advanceTimersByTimeAsync(60 * SECOND_MS);
    expect([...read, ...(await rest)]).toEqual(users(7));
  });

  it("ends a page that skips users for ten minutes, since the platform ends a longer alarm", async () => {
    const source = codeSource(async function* () {
      for (const user of users(10_000)) {
        await wait(SECOND_MS);
        yield user;
      }
    });
    const page = source.page(9_000);
    await vi.advanceTimersByTimeAsync(601 * SECOND_MS);
    expect(await page).toMatchObject({
      ok: false,
      error: { retryable: true, reason: expect.stringContaining("within 10m") },
    });
  });
});

describe("a page", () => {
  it("that could not be handed over is read again without another walk", async () => {
    let walks = 0;
    const source = codeSource(() => {
      walks++;
      return users(2_500);
    });
    await source.page(undefined);
    const again = await source.page(1_000);
    expect(await source.page(1_000)).toEqual(again);
    expect((await readAll(source, 2_000)).length).toBe(500);
    expect(walks).toBe(1);
  });

  it.each([
    ["an array", () => users(3)],
    ["a promise of an array", async () => users(3)],
    ["a set", () => new Set(users(3))],
    [
      "a generator",
      function* () {
        yield* users(3);
      },
    ],
  ])("comes from %s", async (_what, code) => {
    expect(await readAll(codeSource(code))).toEqual(users(3));
  });

  it.each([
    ["throws an Error", () => raise(new Error("db down")), "Error: db down"],
    ["throws what cannot be read", () => raise(Object.create(null)), "cannot be read"],
    ["gives no iterable", () => JSON.parse("5"), "setActiveUsers takes a function that gives an array"],
  ])("of code that %s is a failure that says so", async (_what, code, says) => {
    expect(await codeSource(code).page(undefined)).toMatchObject({
      ok: false,
      error: { reason: expect.stringContaining(says), retryable: true },
    });
  });

  it.each([{ shard: 3, afterId: "x" }, { next: "2", trace: {} }, -1, "5"])(
    "at the cursor of another source, %j, is a failure for good",
    async (cursor) => {
      expect(await codeSource(() => users(3)).page(cursor)).toMatchObject({ ok: false, error: { retryable: false } });
    },
  );
});

function raise(error: unknown): never {
  throw error;
}

function stuck(): AsyncIterable<string> {
  const never = () => new Promise<never>(() => undefined);
  return { [Symbol.asyncIterator]: () => ({ next: never, return: never }) };
}
