/**
 * Creates and updates the tables of every object in one way. Steps are numbered and only add. So an older version of the
 * code, deployed again, works with the tables of a newer one (docs/deploy.md).
 */
import { first } from "./rows.ts";

/**
 * Tables that are created together. Step n brings version n to n + 1. Steps are only appended. `table` has a column
 * `schema_version`; the write that creates the tables must also write a row of it.
 */
export type Schema = { readonly table: string; readonly steps: readonly (readonly string[])[] };

/** The version that this code creates. */
export const versionOf = ({ steps }: Schema): number => steps.length;

/** Brings the tables up to date. Returns their version then, or undefined if nothing was ever written. */
export function migrate(sql: SqlStorage, schema: Schema): number | undefined {
  const table = first(sql, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", schema.table);
  if (table === undefined) return undefined;
  return upgrade(
    sql,
    schema,
    Number(first(sql, `SELECT max(schema_version) AS version FROM ${schema.table}`)?.version),
  );
}

/**
 * Does the same as {@link migrate} for existing tables of version `from`. Tables of a later version stay, since that
 * version may return.
 */
export function upgrade(sql: SqlStorage, schema: Schema, from: number): number {
  const version = versionOf(schema);
  if (from >= version) return from;
  run(sql, schema.steps.slice(from));
  sql.exec(`UPDATE ${schema.table} SET schema_version = ?1 WHERE schema_version < ?1`, version);
  return version;
}

/** Creates the tables, empty. Returns their version, for the first row of `table`. */
export function makeTables(sql: SqlStorage, schema: Schema): number {
  run(sql, schema.steps);
  return versionOf(schema);
}

function run(sql: SqlStorage, steps: Schema["steps"]): void {
  for (const step of steps) for (const statement of step) sql.exec(statement);
}
