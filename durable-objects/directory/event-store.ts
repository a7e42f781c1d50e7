/**
 * The events of one shard: what its owners' jobs have reported. Each is listed once, however often it is told. The same rows are
 * the list of runs over all jobs, of which a hidden one is no event.
 */
import type { EventFilter } from "../../src/domain/event/event-filter.ts";
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import type { IndexEntry } from "../../src/domain/job/index-entry.ts";
import type { Found } from "../../src/domain/page.ts";
import type { EventKey, EventQuery, ListedEvent } from "../../src/objects/events.ts";
import { EventType } from "../../src/schema/event.ts";
import { DAY_MS } from "../../src/schema/limits.ts";
import type { Run } from "../../src/schema/run.ts";
import { all, first, numberIn, parse, put, type Row, type Values } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import type { ShardTables } from "./shard-tables.ts";

const RETENTION_MS = 30 * DAY_MS;
/** The most events that a shard keeps. Of jobs that report every run, the oldest go before their 30 days are over. */
const MAX_EVENTS = 100_000;
/** Old events dropped in one minute. */
const DROPPED_AT_ONCE = 500;

export class EventStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** Adds the events that are not there yet, and answers those. */
  add(events: readonly ReportedEvent[]): ReportedEvent[] {
    if (events.length === 0) return [];
    this.#tables.prepare();
    // Of a job that reports nothing its recovery tells the directory of its health alone.
    const kept = events.filter(({ hidden, type }) => hidden !== true || type === "run.failed");
    return kept.filter((event) => this.#insert(event));
  }

  /**
   * Newest first, by the index of the job or of an id if one is asked for. Other filters look through so many rows at
   * most.
   */
  list({ filter, limit, before }: EventQuery): Found<ListedEvent, EventKey> {
    if (!this.#tables.present) return { items: [] };
    // One bound from above: of two the index would be entered by one, and walked down to the other.
    const isNearer = before !== undefined && before.at < (filter.until ?? Number.POSITIVE_INFINITY);
    const { way, fits } = conditions(isNearer ? { ...filter, until: undefined } : filter);
    if (isNearer) way.add("(at, id) < (?, ?)", before.at, before.id);
    const { items, stoppedAt } = scan(
      this.#tables.sql,
      `SELECT seq, at, id, ${fits.sql()} AS fits FROM event INDEXED BY ${way.index} WHERE ${way.sql()}
         ORDER BY at DESC, id DESC LIMIT ?`,
      [...fits.bindings, ...way.bindings, reachOf(limit)],
      limit,
    );
    const events = this.#read(items, "at DESC, id DESC");
    if (stoppedAt === undefined) return { items: events };
    return { items: events, stoppedAt: { at: Number(stoppedAt.at), id: String(stoppedAt.id) } };
  }

  /** Those told after the `seq`-th, in the order of telling, and how far was looked if not to the end. */
  after(seq: number, filter: EventFilter, limit: number): Found<ListedEvent, number> {
    if (!this.#tables.present) return { items: [] };
    const { way, fits } = conditions(filter);
    const { items, stoppedAt } = scan(
      this.#tables.sql,
      `SELECT seq, (${fits.sql()}) AND (${way.sql()}) AS fits FROM event WHERE seq > ? ORDER BY seq LIMIT ?`,
      [...fits.bindings, ...way.bindings, seq, reachOf(limit)],
      limit,
    );
    const events = this.#read(items, "seq");
    return stoppedAt === undefined ? { items: events } : { items: events, stoppedAt: Number(stoppedAt.seq) };
  }

  /** The number of the oldest event that is kept; 0 where there is none. */
  get firstSeq(): number {
    if (!this.#tables.present) return 0;
    return Number(first(this.#tables.sql, "SELECT min(seq) AS seq FROM event")?.seq ?? 0);
  }

  /** The number of the event told last; 0 where none was. */
  get lastSeq(): number {
    if (!this.#tables.present) return 0;
    return Number(first(this.#tables.sql, "SELECT max(seq) AS seq FROM event")?.seq ?? 0);
  }

  /** The number of events by type. */
  counts(): { readonly type: EventType; readonly count: number }[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT type, told FROM event_count");
    return rows.map(({ type, told }) => ({ type: EventType.parse(type), count: Number(told) }));
  }

  /** Drops what is older than 30 days, or beyond the bound: a bounded number of rows. The last stays, so that none gets its number. */
  trim(now: number): void {
    if (!this.#tables.present) return;
    const { sql } = this.#tables;
    sql.exec(
      "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at < ? AND seq < ? ORDER BY at LIMIT ?)",
      now - RETENTION_MS,
      this.lastSeq,
      DROPPED_AT_ONCE,
    );
    sql.exec(
      "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= ? ORDER BY seq LIMIT ?)",
      this.lastSeq - MAX_EVENTS,
      DROPPED_AT_ONCE,
    );
  }

  #insert(event: ReportedEvent): boolean {
    const { sql } = this.#tables;
    if (first(sql, "SELECT 1 FROM event WHERE id = ?", event.id) !== undefined) return false;
    put(sql, "event", toRow(event));
    if (event.hidden !== true) {
      sql.exec(
        "INSERT INTO event_count (type, told) VALUES (?, 1) ON CONFLICT DO UPDATE SET told = told + 1",
        event.type,
      );
    }
    return true;
  }

  /** The events of these rows, in this order. */
  #read(rows: readonly Row[], order: string): ListedEvent[] {
    if (rows.length === 0) return [];
    const seqs = JSON.stringify(rows.map(({ seq }) => seq));
    const query = `SELECT * FROM event WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY ${order}`;
    return all(this.#tables.sql, query, seqs).map(toEvent);
  }
}

/** Types whose run stands in the list of runs: each ended run once. */
const OF_RUNS: readonly EventType[] = ["run.failed", "run.succeeded", "run.skipped"];

/** Indexes of events, each newest first: by the first of these ids that is asked for, else by time. */
const INDEXES = [
  ["job_id", "event_job"],
  ["user_id", "event_user"],
  ["plugin_id", "event_plugin"],
  ["agent_id", "event_agent"],
] as const;

/** `way`: what the index leads to. `fits`: what else is asked for. */
function conditions(filter: EventFilter) {
  const [field, index] = INDEXES.find(([name]) => filter[name] !== undefined) ?? [undefined, "event_at"];
  const [way, fits] = [condition(), condition()];
  const { types, since, until, runs, withoutUserRuns } = filter;
  for (const [name] of INDEXES) {
    const value = filter[name];
    if (value !== undefined) (name === field ? way : fits).add(`${name} = ?`, value);
  }
  if (since !== undefined) way.add("at >= ?", since);
  if (until !== undefined) way.add("at < ?", until);
  if (withoutUserRuns) fits.add("(exec_scope IS NOT 'all_users' OR user_id IS NULL)");
  if (runs === undefined) fits.add("hidden = 0");
  else {
    fits.add("run_status IS NOT NULL");
    if (runs.status !== undefined) fits.add("run_status = ?", runs.status);
    if (!runs.ofAllUsers) fits.add("exec_scope != 'all_users'");
  }
  if (types !== undefined) fits.add("type IN (SELECT value FROM json_each(?))", JSON.stringify(types));
  return { way: { ...way, index }, fits };
}

/** Conditions that all must hold; without any, every row does. */
function condition() {
  const conditions: string[] = [];
  const bindings: SqlStorageValue[] = [];
  const add = (text: string, ...values: SqlStorageValue[]): void => {
    conditions.push(text);
    bindings.push(...values);
  };
  return { add, bindings, sql: () => (conditions.length === 0 ? "1" : conditions.join(" AND ")) };
}

function toRow(event: ReportedEvent): Values {
  const { job, run } = event;
  return {
    id: event.id,
    type: event.type,
    at: event.at,
    hidden: event.hidden === true,
    message: event.message,
    failures: event.count,
    job_id: job?.id,
    exec_scope: job?.execScope,
    agent_id: job?.agentId,
    // A job for all users runs as none of them; each of its runs does.
    user_id: job?.userId ?? run?.user_id,
    plugin_id: job?.pluginId,
    run_status: OF_RUNS.includes(event.type) ? run?.status : undefined,
    job: job === undefined ? undefined : JSON.stringify(job),
    run: run === undefined ? undefined : JSON.stringify(run),
  };
}

const toEvent = (row: Row): ListedEvent => ({
  seq: Number(row.seq),
  id: String(row.id),
  type: EventType.parse(row.type),
  at: Number(row.at),
  message: String(row.message),
  ...(row.hidden === 1 ? { hidden: true } : {}),
  ...(row.failures === null ? {} : { count: numberIn(row.failures) }),
  ...(row.job === null ? {} : { job: parse<IndexEntry>(row.job) }),
  ...(row.run === null ? {} : { run: parse<Run>(row.run) }),
});
