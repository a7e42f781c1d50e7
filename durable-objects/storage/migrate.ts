/**
 * The tables of an object, made and brought up to date in one way for all of them. Steps are numbered and only add, so that an
 * older version of the code, deployed again, works over the tables of a newer one (docs/deploy.md).
 */
import { first } from "./rows.ts";

/**
 * Tables that are made together. Step n brings version n to n + 1: append only. `table` is the one whose rows carry the version in
 * their column `schema_version`; it must have such a row from the write on that makes the tables.
 */
export type Schema = { readonly table: string; readonly steps: readonly (readonly string[])[] };

/** The version that this code makes. */
export const versionOf = ({ steps }: Schema): number => steps.length;

/** Brings the tables up to date. Answers the version that they have then, or undefined when nothing was ever written. */
export function migrate(sql: SqlStorage, schema: Schema): number | undefined {
  const table = first(sql, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", schema.table);
  if (table === undefined) return undefined;
  return upgrade(
    sql,
    schema,
    Number(first(sql, `SELECT max(schema_version) AS version FROM ${schema.table}`)?.version),
  );
}

/** As {@link migrate}, for tables that are there in version `from`. Those of a later version are left alone: it will be back. */
export function upgrade(sql: SqlStorage, schema: Schema, from: number): number {
  const version = versionOf(schema);
  if (from >= version) return from;
  run(sql, schema.steps.slice(from));
  sql.exec(`UPDATE ${schema.table} SET schema_version = ?1 WHERE schema_version < ?1`, version);
  return version;
}

/** Makes the tables, empty. Answers their version, for the first row of `table`. */
export function makeTables(sql: SqlStorage, schema: Schema): number {
  run(sql, schema.steps);
  return versionOf(schema);
}

function run(sql: SqlStorage, steps: Schema["steps"]): void {
  for (const step of steps) for (const statement of step) sql.exec(statement);
}
