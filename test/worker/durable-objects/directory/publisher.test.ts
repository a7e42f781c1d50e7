/** A shard's calls to subscriptions, over its real tables. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { EventStore } from "../../../../durable-objects/directory/event-store.ts";
import { Publisher } from "../../../../durable-objects/directory/publisher.ts";
import { ShardTables } from "../../../../durable-objects/directory/shard-tables.ts";
import { SubscriptionRegistry } from "../../../../durable-objects/directory/subscription-store.ts";
import { SHARD_COUNT } from "../../../../src/domain/directory-shard.ts";
import type { ReportedEvent } from "../../../../src/domain/event/report.ts";
import { CallBudget } from "../../../../src/outbound/call-budget.ts";
import { LOOKED_AT_ROWS } from "../../../../src/schema/limits.ts";
import { env } from "../../bindings.ts";
import { fresh } from "../../http-fixture.ts";

const failed = (n: number): ReportedEvent => ({ id: `e${n}`, type: "run.failed", at: n, message: "m" });

type Rig = {
  readonly events: EventStore;
  readonly registry: SubscriptionRegistry;
  readonly publisher: Publisher;
  readonly offered: Map<string, string[]>;
  /** Calls to subscriptions. */
  readonly calls: () => number;
};

/** A shard's own parts on separate storage. `answer` is a subscription's answer to an offer. */
async function withShard(
  { callsAWake, answer = () => true }: { readonly callsAWake: number; readonly answer?: (calls: number) => boolean },
  act: (rig: Rig) => Promise<void>,
): Promise<void> {
  await runInDurableObject(env.DIRECTORY.getByName(fresh("publisher")), async (_shard, { storage }) => {
    const tables = new ShardTables(storage.sql, SHARD_COUNT);
    const [events, registry] = [new EventStore(tables), new SubscriptionRegistry(tables)];
    const offered = new Map<string, string[]>();
    let calls = 0;
    const publisher = new Publisher(events, registry, {
      offer: async (id, some) => {
        calls++;
        if (!answer(calls)) throw new Error("unreachable");
        offered.set(id, [...(offered.get(id) ?? []), ...some.map((event) => event.id)]);
        return true;
      },
      budget: () => new CallBudget(callsAWake),
      report: () => undefined,
    });
    for (const id of ["a", "b"]) registry.put(id, { events: ["run.failed"] }, 0);
    registry.put("other", { events: ["tick.late"] }, 0);
    await act({ events, registry, publisher, offered, calls: () => calls });
  });
}

it("a thousand failures are offered in steps of fifty, each once, without a call for a subscription that wants none", async () => {
  await withShard({ callsAWake: 1_000 }, async ({ events, publisher, offered, calls }) => {
    const all = Array.from({ length: 1_000 }, (_, n) => failed(n));
    await Promise.all(
      all.map(async (event) => {
        events.add([event]);
        await publisher.publish();
      }),
    );
    const ids = all.map(({ id }) => id);
    expect([offered.get("a"), offered.get("b"), offered.get("other")]).toEqual([ids, ids, undefined]);
    expect(calls()).toBeLessThanOrEqual(2 * (1_000 / 50 + 1));
  });
});

it("a failure after thousands of failed users of a fan-out is offered, and these are looked at once", async () => {
  await withShard({ callsAWake: 40 }, async ({ events, registry, publisher, offered, calls }) => {
    const users = Array.from({ length: 2 * LOOKED_AT_ROWS + 1 }, (_, n) => ({ ...failed(n), hidden: true as const }));
    events.add([failed(100_000)]);
    events.add(users);
    await publisher.publish();
    expect(offered.get("a")).toEqual(["e100000"]);
    const seen = registry.list().map(({ offeredSeq }) => offeredSeq);
    expect(Math.min(...seen)).toBeGreaterThan(LOOKED_AT_ROWS);

    events.add([failed(100_001)]);
    await publisher.publish();
    expect([offered.get("a"), offered.get("b")]).toEqual(Array(2).fill(["e100000", "e100001"]));
    expect(calls()).toBe(4);
  });
});

it("a wake stays within its calls, and the next continues from there", async () => {
  await withShard({ callsAWake: 3 }, async ({ events, publisher, offered, calls }) => {
    events.add(Array.from({ length: 200 }, (_, n) => failed(n)));
    await publisher.publish();
    expect(calls()).toBe(3);
    for (let wakes = 0; wakes < 3; wakes++) await publisher.publish();
    expect([calls(), offered.get("a")?.length, offered.get("b")?.length]).toEqual([8, 200, 200]);
  });
});

it("an unreachable subscription is offered the same again, and does not delay the others", async () => {
  await withShard({ callsAWake: 40, answer: (calls) => calls !== 1 }, async ({ events, publisher, offered }) => {
    events.add([failed(1)]);
    await publisher.publish();
    expect([offered.get("a"), offered.get("b")]).toEqual([undefined, ["e1"]]);
    await publisher.publish();
    expect([offered.get("a"), offered.get("b")]).toEqual([["e1"], ["e1"]]);
  });
});
