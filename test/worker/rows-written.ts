/** What Cloudflare bills for writing: rows written by SQL, and alarms set, a row each. */
import { runInDurableObject } from "cloudflare:test";
import { onTestFinished } from "vitest";

/** An idle object is evicted after ten seconds, and what counts in it is lost. On a busy machine a test may take so long. */
const CALLED_EVERY_MS = 1_000;

export type RowsWritten = { readonly sql: number; readonly alarms: number };

/** Counts from now on in this object, until the test is over or ends the object. */
export async function countRows(stub: DurableObjectStub): Promise<() => number> {
  const count = await countRowsByKind(stub);
  return () => count().sql + count().alarms;
}

/** As {@link countRows}, with alarms apart. */
export async function countRowsByKind(stub: DurableObjectStub): Promise<() => RowsWritten> {
  const cursors: { rowsWritten: number }[] = [];
  let alarms = 0;
  await runInDurableObject(stub, (_instance, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    const setAlarm = storage.setAlarm.bind(storage);
    sql.exec = ((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      cursors.push(cursor);
      return cursor;
    }) as typeof sql.exec;
    storage.setAlarm = (at) => {
      alarms++;
      return setAlarm(at);
    };
  });
  const calls = setInterval(
    () => void runInDurableObject(stub, () => undefined).catch(() => undefined),
    CALLED_EVERY_MS,
  );
  onTestFinished(() => clearInterval(calls));
  return () => ({ sql: cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0), alarms });
}
