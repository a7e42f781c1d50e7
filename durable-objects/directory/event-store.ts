/**
 * The events of one shard, as its owners' jobs have reported them. An event that is reported twice is listed once. The same
 * rows are the list of runs over all jobs; a hidden row is not an event.
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
/** The most events that a shard keeps. If jobs report every run, the oldest are dropped before their 30 days are over. */
const MAX_EVENTS = 100_000;
/** The number of old events dropped in one minute. */
const DROPPED_AT_ONCE = 500;

export class EventStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** Adds the new events among these, and returns them. */
  add(events: readonly ReportedEvent[]): ReportedEvent[] {
    if (events.length === 0) return [];
    this.#tables.prepare();
    // If a job reports nothing, its recovery only updates its health in the directory.
    const kept = events.filter(({ hidden, type }) => hidden !== true || type === "run.failed");
    return kept.filter((event) => this.#insert(event));
  }

  /**
   * Events, newest first, by the index of the job or of an id if the filter names one. Other filters look at a bounded
   * number of rows.
   */
  list({ filter, limit, before }: EventQuery): Found<ListedEvent, EventKey> {
    if (!this.#tables.present) return { items: [] };
    // There must be one upper bound. With two, SQLite would enter the index at one and walk down to the other.
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

  /** The events after the `seq`-th, in the order of their arrival. If the search stopped before the end, it says where. */
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

  /** The number of the oldest kept event. 0 if there is none. */
  get firstSeq(): number {
    if (!this.#tables.present) return 0;
    return Number(first(this.#tables.sql, "SELECT min(seq) AS seq FROM event")?.seq ?? 0);
  }

  /** The number of the latest event. 0 if there has been none. */
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

  /**
   * Drops events older than 30 days or beyond the bound, a bounded number at a time. The latest stays, so its number is not
   * used again.
   */
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

/** The event types whose run is in the list of runs. Each ended run has one of them. */
const OF_RUNS: readonly EventType[] = ["run.failed", "run.succeeded", "run.skipped"];

/** The indexes of events, newest first. The first of these ids in the filter decides, else the time. */
const INDEXES = [
  ["job_id", "event_job"],
  ["user_id", "event_user"],
  ["plugin_id", "event_plugin"],
  ["agent_id", "event_agent"],
] as const;

/** `way` are the conditions that the index serves. `fits` are the others. */
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

/** Conditions that must all hold. Without any, every row fits. */
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
    // A job for all users has no user of its own; each of its runs has one.
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
