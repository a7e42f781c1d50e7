/** What an alarm of a subscription reads does not grow with the deliveries that it keeps. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { SubscriptionStore } from "../../../../durable-objects/subscription/store.ts";
import { env, fresh } from "../../http-fixture.ts";

const KEPT = 1_000;

it("reads no ended delivery to find out that none is held", async () => {
  await runInDurableObject(env.SUBSCRIPTION.getByName(fresh("rows")), (_, { storage }) => {
    let read = 0;
    const sql = new Proxy(storage.sql, {
      get: (target, property) =>
        property === "exec"
          ? (query: string, ...values: unknown[]) => {
              const cursor = target.exec(query, ...values);
              const rows = cursor.toArray();
              read += cursor.rowsRead;
              return rows;
            }
          : Reflect.get(target, property),
    });
    const store = new SubscriptionStore(sql);
    const config = { events: ["run.failed"] as ["run.failed"], to: [], after: 1, cooldown: "0s", enabled: true };
    store.save({ id: "rows", config, createdAt: 1, updatedAt: 1 });
    storage.sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${KEPT})
         INSERT INTO delivery (seq, id, event_id, event_type, target, shown, status, attempts, created_at)
           SELECT i, 'd' || i, 'e' || i, 'run.failed', 't', 't', 'delivered', 1, 1 FROM n`,
    );
    read = 0;
    expect(store.hasHeld).toBe(false);
    store.release(2);
    store.hold();
    expect(store.dueTargets(2)).toEqual([]);
    expect(store.nextAt()).toBeUndefined();
    expect(read).toBeLessThan(10);
  });
});
