/** Storage that counts the rows that its statements read and write, as Cloudflare bills them. */

export type CountedRows = { readonly written: number; readonly read: number };

export type CountedSql = {
  readonly sql: SqlStorage;
  /** The counts since the last call. */
  readonly rows: () => CountedRows;
};

export function countedSql(storage: SqlStorage): CountedSql {
  let cursors: { readonly rowsWritten: number; readonly rowsRead: number }[] = [];
  const sql = new Proxy(storage, {
    get: (target, property) =>
      property === "exec"
        ? (query: string, ...values: unknown[]) => {
            const cursor = target.exec(query, ...values);
            cursors.push(cursor);
            return cursor;
          }
        : Reflect.get(target, property),
  });
  const rows = (): CountedRows => {
    const written = cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    const read = cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0);
    cursors = [];
    return { written, read };
  };
  return { sql, rows };
}
