/** The spread of a fan-out: every user in one shard, and all bounds kept over the sum of the shards. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concurrencyOf,
  firstCallAt,
  intervalOf,
  MAX_CALLS_PER_SHARD,
  nextCallAt,
  shardOfKey,
  shardOfUser,
  shardsFor,
} from "../../../../src/domain/fan-out/shard.ts";
import {
  fanOutId,
  keyedRunId,
  keyOfUserRun,
  parseUserRunId,
  userKey,
  userRunId,
} from "../../../../src/domain/run/run-id.ts";
import { base32Value } from "../../../../src/domain/text/base32.ts";

const bound = fc.record(
  { concurrency: fc.integer({ min: 1, max: 200 }), rate_per_minute: fc.integer({ min: 1, max: 1_000_000 }) },
  { requiredKeys: ["concurrency"] },
);
const shardNumbers = (shards: number) => Array.from({ length: shards }, (_, shardIndex) => shardIndex);

describe("shards", () => {
  it.each([
    { concurrency: 1, shards: 1 },
    { concurrency: 6, shards: 1 },
    { concurrency: 7, shards: 2 },
    { concurrency: 50, shards: 9 },
    { concurrency: 200, shards: 34 },
    { concurrency: 50, rate_per_minute: 3, shards: 3 },
  ])("$concurrency calls at once, $rate_per_minute a minute: $shards", ({ shards, ...given }) => {
    expect(shardsFor(given)).toBe(shards);
  });

  it("together make at most `concurrency` calls at once, and each at least one and at most six", () => {
    fc.assert(
      fc.property(bound, (given) => {
        const shards = shardsFor(given);
        const shares = shardNumbers(shards).map((shardIndex) => concurrencyOf(given, shards, shardIndex));
        const sum = shares.reduce((total, share) => total + share, 0);
        expect(sum).toBeLessThanOrEqual(given.concurrency);
        if (given.rate_per_minute === undefined) expect(sum).toBe(given.concurrency);
        for (const share of shares) {
          expect(share).toBeGreaterThanOrEqual(1);
          expect(share).toBeLessThanOrEqual(MAX_CALLS_PER_SHARD);
        }
      }),
    );
  });

  it("a user's shard follows from the user's run id alone, and lies within the shards", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 128 }), fc.integer({ min: 1, max: 34 }), (user, shards) => {
        const shardIndex = shardOfUser(user, shards);
        const parsed = parseUserRunId(userRunId(fanOutId("job-f1-x", 1_700_000_000_000), user));
        expect(parsed?.key).toBe(userKey(user));
        expect(shardOfKey(parsed?.key ?? "", shards)).toBe(shardIndex);
        expect(shardIndex).toBeGreaterThanOrEqual(0);
        expect(shardIndex).toBeLessThan(shards);
      }),
    );
  });

  it("users spread evenly", () => {
    const counts = shardNumbers(9).map(() => 0);
    for (let i = 0; i < 9_000; i++) {
      const shardIndex = shardOfUser(`user-${i}`, 9);
      counts[shardIndex] = (counts[shardIndex] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

describe("a rate", () => {
  it("limits the calls that begin in any minute over all shards, even if all are eager", () => {
    const rates = fc.record({
      concurrency: fc.integer({ min: 1, max: 60 }),
      rate_per_minute: fc.integer({ min: 1, max: 600 }),
    });
    fc.assert(
      fc.property(rates, fc.infiniteStream(fc.nat(50)), (given, lateness) => {
        const shards = shardsFor(given);
        const interval = intervalOf(given, shards);
        const calls = shardNumbers(shards).flatMap((shardIndex) => {
          const times: number[] = [];
          let allowedAt = firstCallAt(0, interval, shards, shardIndex);
          while (allowedAt < 180_000) {
            const at = allowedAt + (lateness.next().value ?? 0);
            times.push(at);
            allowedAt = nextCallAt(allowedAt, at, interval);
          }
          return times;
        });
        calls.sort((a, b) => a - b);
        for (const [i, from] of calls.entries()) {
          const within = calls.slice(i).findIndex((at) => at >= from + 60_000);
          // One call at the edge, and what lateness shifts into the window.
          const slack = 1 + Math.ceil((given.rate_per_minute * 100) / 60_000) + shards;
          if (within >= 0) expect(within).toBeLessThanOrEqual(given.rate_per_minute + slack);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("catches up on at most a tenth of a second, so a shard that slept does not burst", () => {
    const interval = 1_000;
    let allowedAt = 0;
    const now = 3_600_000;
    let begun = 0;
    while (allowedAt <= now) {
      allowedAt = nextCallAt(allowedAt, now, interval);
      begun++;
    }
    expect(begun).toBe(1);
  });
});

describe("the id of a user's run", () => {
  it.each(["j1-s123", "j1-f123", "j1-m1_abc", "j1-b1_2", "nonsense", "j1-f123-uTOOSHORT"])("%s is none", (id) => {
    expect(parseUserRunId(id)).toBeUndefined();
  });

  it("gives back the fan-out and the key that it is made of", () => {
    const causes = [5, -5, { requestedAt: 7, nonce: "n" }, { backfillNo: 3, dueAt: 9 }];
    for (const jobId of ["a", "with-u-f1_x", "_-_"]) {
      for (const cause of causes) {
        const fanOut = fanOutId(jobId, cause);
        const key = userKey("someone");
        expect(parseUserRunId(keyedRunId(fanOut, key))).toEqual({ fanOutId: fanOut, key });
        expect(keyOfUserRun(keyedRunId(fanOut, key))).toBe(key);
      }
    }
  });
});

it("base 32 is read as it is written, most significant character first", () => {
  expect([base32Value("0"), base32Value("z"), base32Value("10"), base32Value("zz")]).toEqual([0, 31, 32, 1023]);
});
