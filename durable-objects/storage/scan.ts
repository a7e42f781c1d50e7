/**
 * Reads rows in the order of an index and keeps those that fit a filter. The number of rows has a bound, so a filter that
 * fits hardly any row costs a page and not the table. The reader learns where the search stopped and continues there.
 */
import type { Found } from "../../src/domain/page.ts";
import { LOOKED_AT_ROWS } from "../../src/schema/limits.ts";
import type { Row } from "./rows.ts";

/** The `LIMIT` of a query for a page of `limit` rows. */
export const reachOf = (limit: number): number => Math.max(LOOKED_AT_ROWS, limit);

/**
 * The first `limit` rows of a query whose column `fits` is 1. The query reads in order and ends with `LIMIT` {@link
 * reachOf}. Rows after the last wanted one are not read.
 */
export function scan(
  sql: SqlStorage,
  query: string,
  bindings: readonly SqlStorageValue[],
  limit: number,
): Found<Row, Row> {
  const items: Row[] = [];
  const most = reachOf(limit);
  let read = 0;
  for (const row of sql.exec<Row>(query, ...bindings)) {
    read++;
    if (row.fits === 1) items.push(row);
    if (items.length === limit) return { items };
    if (read === most) return { items, stoppedAt: row };
  }
  return { items };
}
