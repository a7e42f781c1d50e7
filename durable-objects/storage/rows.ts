/**
 * Rows that are written by column name and read into values. A later version of the code may have added columns. A write by
 * name leaves them as they are, while a write by position would fail.
 */

export type Row = Record<string, SqlStorageValue>;

/** The values of a row by column. A boolean becomes 0 or 1, undefined becomes NULL. Instants are epoch ms. */
export type Values = Readonly<Record<string, SqlStorageValue | boolean | undefined>>;

/** The most values of one statement, a bound of the platform. */
const MAX_VALUES = 100;
/** The number of remembered statements. Each fan-out has its own table, so their number has no bound. */
const MAX_STATEMENTS = 200;

/** Writes the row, or updates the row with the same key. Columns that are not named keep their values. */
export function put(sql: SqlStorage, table: string, values: Values): void {
  putAll(sql, table, [values]);
}

/** Writes like {@link put}, many rows of the same columns with one statement. */
export function putAll(sql: SqlStorage, table: string, rows: readonly Values[]): void {
  const [sample] = rows;
  if (sample === undefined) return;
  const columns = Object.keys(sample);
  const size = Math.floor(MAX_VALUES / columns.length);
  for (let from = 0; from < rows.length; from += size) {
    const some = rows.slice(from, from + size);
    sql.exec(
      statement("put", table, columns, some.length),
      ...some.flatMap((row) => columns.map((name) => valueIn(row[name]))),
    );
  }
}

/** Writes the row and replaces the whole row with the same key. */
export function replace(sql: SqlStorage, table: string, values: Values): void {
  const columns = Object.keys(values);
  sql.exec(statement("replace", table, columns, 1), ...columns.map((name) => valueIn(values[name])));
}

/** The rows of a query. */
export const all = (sql: SqlStorage, query: string, ...bindings: readonly SqlStorageValue[]): Row[] => [
  ...sql.exec<Row>(query, ...bindings),
];

/** The first row of a query, if it has one. */
export const first = (sql: SqlStorage, query: string, ...bindings: readonly SqlStorageValue[]): Row | undefined =>
  all(sql, query, ...bindings)[0];

/** Reads JSON that the same store has written, so it is not checked again. */
export const parse = <T>(value: SqlStorageValue | undefined): T => JSON.parse(String(value)) as T;

/** The number in a column, undefined for NULL. */
export const numberIn = (value: SqlStorageValue | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);

/** The text in a column, undefined for NULL. */
export const textIn = (value: SqlStorageValue | undefined): string | undefined =>
  value === null || value === undefined ? undefined : String(value);

/** The value as a column holds it. */
export const valueIn = (value: Values[string]): SqlStorageValue =>
  typeof value === "boolean" ? (value ? 1 : 0) : value === undefined ? null : value;

/** The texts of statements by kind, table, columns and number of rows. They are few and needed at every fire. */
const statements = new Map<string, string>();

function statement(kind: "put" | "replace", table: string, columns: readonly string[], rows: number): string {
  const key = `${kind} ${table} ${rows} ${columns}`;
  const known = statements.get(key);
  if (known !== undefined) return known;
  const places = `(${columns.map(() => "?").join(", ")})`;
  const values = `(${columns.join(", ")}) VALUES ${Array.from({ length: rows }, () => places).join(", ")}`;
  const updates = columns.map((name) => `${name} = excluded.${name}`).join(", ");
  const made =
    kind === "replace"
      ? `INSERT OR REPLACE INTO ${table} ${values}`
      : `INSERT INTO ${table} ${values} ON CONFLICT DO UPDATE SET ${updates}`;
  if (statements.size >= MAX_STATEMENTS) statements.clear();
  statements.set(key, made);
  return made;
}
