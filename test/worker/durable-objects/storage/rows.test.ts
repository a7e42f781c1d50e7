/** The storage kernel: rows by column name, and tables that are created, updated, and left unchanged. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { makeTables, migrate, type Schema } from "../../../../durable-objects/storage/migrate.ts";
import { all, numberIn, put, putAll, replace, textIn } from "../../../../durable-objects/storage/rows.ts";
import { env } from "../../bindings.ts";

let made = 0;
const inStorage = (use: (sql: SqlStorage) => void): Promise<void> =>
  runInDurableObject(env.JOB.getByName(`kernel-${made++}`), (_, { storage }) => use(storage.sql));

const TABLE = "CREATE TABLE thing (id TEXT PRIMARY KEY, size INTEGER, done INTEGER)";

describe("put", () => {
  it("writes one row, over the one with the same key, and leaves columns that it does not name", () =>
    inStorage((sql) => {
      sql.exec(TABLE);
      put(sql, "thing", { id: "a", size: 1, done: false });
      sql.exec("ALTER TABLE thing ADD COLUMN later TEXT");
      sql.exec("UPDATE thing SET later = 'kept'");
      put(sql, "thing", { id: "a", size: undefined, done: true });
      expect(all(sql, "SELECT * FROM thing")).toEqual([{ id: "a", size: null, done: 1, later: "kept" }]);
      replace(sql, "thing", { id: "a", size: 2 });
      expect(all(sql, "SELECT * FROM thing")).toEqual([{ id: "a", size: 2, done: null, later: null }]);
    }));

  it("costs one row, over another too, and one more for an index that the row is in", () =>
    inStorage((sql) => {
      sql.exec("CREATE TABLE thing (id TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID");
      sql.exec("CREATE INDEX big ON thing (size) WHERE size > 100");
      const written = (size: number): number => {
        let rows = 0;
        const counting = { ...sql, exec: counted } as unknown as SqlStorage;
        function counted(query: string, ...bindings: SqlStorageValue[]) {
          const cursor = sql.exec(query, ...bindings);
          rows += cursor.rowsWritten;
          return cursor;
        }
        put(counting, "thing", { id: "a", size });
        return rows;
      };
      expect([written(1), written(2), written(200), written(200)]).toEqual([1, 1, 2, 2]);
    }));

  it("takes more rows than one statement has values for, and keeps the last row of a key", () =>
    inStorage((sql) => {
      sql.exec(TABLE);
      const rows = Array.from({ length: 205 }, (_, size) => ({ id: `id-${size % 200}`, size, done: false }));
      putAll(sql, "thing", rows);
      putAll(sql, "thing", []);
      expect(all(sql, "SELECT count(*) AS n, max(size) AS size FROM thing")).toEqual([{ n: 200, size: 204 }]);
    }));
});

it("a column is read with its type, or as undefined", () => {
  expect([numberIn(5), numberIn(0), numberIn(null), numberIn(undefined)]).toEqual([5, 0, undefined, undefined]);
  expect([textIn("a"), textIn(""), textIn(null), textIn(undefined)]).toEqual(["a", "", undefined, undefined]);
});

describe("migrate", () => {
  const V1 = ["CREATE TABLE main (one INTEGER PRIMARY KEY, schema_version INTEGER NOT NULL)"];
  const schema = (...steps: readonly string[][]): Schema => ({ table: "main", steps: [V1, ...steps] });
  const make = (sql: SqlStorage): void => {
    put(sql, "main", { one: 1, schema_version: makeTables(sql, schema()) });
  };

  it("creates nothing if nothing was ever written", () =>
    inStorage((sql) => {
      expect(migrate(sql, schema())).toBeUndefined();
      expect(all(sql, "SELECT name FROM sqlite_master WHERE name = 'main'")).toEqual([]);
    }));

  it("takes the steps that are missing, once", () =>
    inStorage((sql) => {
      make(sql);
      const next = schema(["ALTER TABLE main ADD COLUMN note TEXT"], ["UPDATE main SET note = 'stepped'"]);
      expect([migrate(sql, next), migrate(sql, next)]).toEqual([3, 3]);
      expect(all(sql, "SELECT * FROM main")).toEqual([{ one: 1, schema_version: 3, note: "stepped" }]);
    }));

  it("does not change the tables of a later version", () =>
    inStorage((sql) => {
      make(sql);
      sql.exec("UPDATE main SET schema_version = 7");
      expect(migrate(sql, schema(["DROP TABLE main"]))).toBe(7);
      expect(all(sql, "SELECT schema_version FROM main")).toEqual([{ schema_version: 7 }]);
    }));
});
