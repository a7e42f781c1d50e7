/** What Cloudflare bills for writing: rows written by SQL, and alarms set, a row each. */
import { runInDurableObject } from "cloudflare:test";

export type RowsWritten = { readonly sql: number; readonly alarms: number };

/** Counts from now on in this object, until it loses its memory. */
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
  return () => ({ sql: cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0), alarms });
}
