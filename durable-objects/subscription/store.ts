/** The only code that reads and writes a Subscription object's tables. Every write is synchronous. */
import { compact } from "../../src/domain/compact.ts";
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import type { Delivery } from "../../src/domain/subscription/delivery.ts";
import type { Incident } from "../../src/domain/subscription/match.ts";
import type { StoredSubscription } from "../../src/domain/subscription/subscription.ts";
import { EventType } from "../../src/schema/event.ts";
import { DAY_MS, HOUR_MS } from "../../src/schema/limits.ts";
import { DeliveryStatus, type SubscriptionInput } from "../../src/schema/subscription.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { all, first, numberIn, parse, put, type Row, textIn } from "../storage/rows.ts";
import { SCHEMA } from "./schema.ts";

/** The number of ended deliveries that are kept, and the time for which they are kept. */
const MAX_DELIVERIES = 1_000;
const RETENTION_MS = 30 * DAY_MS;
/** The time for which an incident is kept. It is longer than any cooldown. After it, a failure counts as the first. */
const INCIDENT_MS = 400 * DAY_MS;

export class SubscriptionStore {
  readonly #sql: SqlStorage;
  #version: number | undefined;
  /** When old rows were last searched, in epoch ms. It happens once an hour, because it reads all of them. */
  #trimmedAt = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(): StoredSubscription | undefined {
    if (!this.#isPresent()) return undefined;
    const row = first(this.#sql, "SELECT * FROM subscription");
    if (row === undefined) return undefined;
    return {
      id: String(row.id),
      config: parse<SubscriptionInput>(row.config),
      createdAt: Number(row.created_at),
      updatedAt: Number(row.updated_at),
    };
  }

  save({ id, config, createdAt, updatedAt }: StoredSubscription): void {
    if (!this.#isPresent()) this.#version = makeTables(this.#sql, SCHEMA);
    put(this.#sql, "subscription", {
      one: 1,
      schema_version: this.#version,
      id,
      config: JSON.stringify(config),
      created_at: createdAt,
      updated_at: updatedAt,
    });
  }

  /** Whether the targets have got this event or are getting it. */
  knows(eventId: string): boolean {
    return first(this.#sql, "SELECT 1 FROM message WHERE event_id = ?", eventId) !== undefined;
  }

  addMessage(event: ReportedEvent): void {
    put(this.#sql, "message", { event_id: event.id, at: event.at, event: JSON.stringify(event) });
  }

  message(eventId: string): ReportedEvent | undefined {
    const row = first(this.#sql, "SELECT event FROM message WHERE event_id = ?", eventId);
    return row === undefined ? undefined : parse<ReportedEvent>(row.event);
  }

  incident(jobId: string): Incident | undefined {
    const row = first(this.#sql, "SELECT told_at, is_open FROM incident WHERE job_id = ?", jobId);
    return row === undefined ? undefined : { toldAt: Number(row.told_at), isOpen: row.is_open === 1 };
  }

  putIncident(jobId: string, { toldAt, isOpen }: Incident): void {
    put(this.#sql, "incident", { job_id: jobId, told_at: toldAt, is_open: isOpen });
  }

  put(delivery: Omit<Delivery, "seq"> & { readonly seq?: number }): void {
    put(this.#sql, "delivery", {
      ...compact({ seq: delivery.seq }),
      id: delivery.id,
      event_id: delivery.eventId,
      event_type: delivery.eventType,
      target: delivery.target,
      shown: delivery.shown,
      status: delivery.status,
      attempts: delivery.attempts,
      created_at: delivery.createdAt,
      next_at: delivery.nextAt,
      delivered_at: delivery.deliveredAt,
      error: delivery.error,
    });
  }

  find(id: string): Delivery | undefined {
    if (!this.#isPresent()) return undefined;
    return all(this.#sql, "SELECT * FROM delivery WHERE id = ?", id).map(toDelivery)[0];
  }

  /** Deliveries, newest first. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): Delivery[] {
    return all(this.#sql, "SELECT * FROM delivery WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, limit).map(
      toDelivery,
    );
  }

  /** The targets with a due message. */
  dueTargets(now: number): string[] {
    return all(this.#sql, "SELECT DISTINCT target FROM delivery WHERE next_at <= ?", now).map(({ target }) =>
      String(target),
    );
  }

  /** The due deliveries for a target, longest waiting first. */
  due(target: string, now: number, limit: number): Delivery[] {
    return all(
      this.#sql,
      "SELECT * FROM delivery WHERE next_at <= ? AND target = ? ORDER BY next_at, seq LIMIT ?",
      now,
      target,
      limit,
    ).map(toDelivery);
  }

  /** Gives up the deliveries on their way to other targets than these. */
  dropOtherTargets(targets: readonly string[]): void {
    this.#sql.exec(
      `UPDATE delivery SET status = 'failed', next_at = NULL, error = 'the target was removed'
         WHERE (next_at IS NOT NULL OR status = 'held') AND target NOT IN (SELECT value FROM json_each(?))`,
      JSON.stringify(targets),
    );
  }

  /** When the next delivery is due (epoch ms). */
  nextAt(): number | undefined {
    return numberIn(first(this.#sql, "SELECT min(next_at) AS at FROM delivery WHERE next_at IS NOT NULL")?.at);
  }

  /** Holds back all deliveries that are on their way. */
  hold(): void {
    this.#sql.exec("UPDATE delivery SET status = 'held', next_at = NULL WHERE next_at IS NOT NULL");
  }

  /** Releases the held deliveries. They are due from `now`. */
  release(now: number): void {
    this.#sql.exec("UPDATE delivery SET status = 'retrying', created_at = ?1, next_at = ?1 WHERE status = 'held'", now);
  }

  get hasHeld(): boolean {
    return first(this.#sql, "SELECT 1 FROM delivery WHERE status = 'held' LIMIT 1") !== undefined;
  }

  /**
   * Drops ended deliveries beyond the newest 1,000. Once an hour it drops deliveries older than 30 days and messages
   * without a delivery. The incident of a job without further events goes after a year.
   */
  trim(now: number): void {
    this.#drop("seq <= (SELECT max(seq) FROM delivery) - ?", MAX_DELIVERIES);
    if (now - this.#trimmedAt < HOUR_MS) return;
    this.#trimmedAt = now;
    this.#drop("created_at < ?", now - RETENTION_MS);
    this.#sql.exec("DELETE FROM incident WHERE told_at < ?", now - INCIDENT_MS);
  }

  /** Drops deliveries. The last one stays, so its number is not used again. */
  #drop(which: string, binding: number): void {
    const dropped = all(
      this.#sql,
      `DELETE FROM delivery WHERE ${which} AND status IN ('delivered', 'failed')
         AND seq < (SELECT max(seq) FROM delivery) RETURNING event_id`,
      binding,
    );
    const events = [...new Set(dropped.map((row) => String(row.event_id)))];
    if (events.length === 0) return;
    this.#sql.exec(
      `DELETE FROM message WHERE event_id IN (SELECT value FROM json_each(?))
         AND event_id NOT IN (SELECT event_id FROM delivery)`,
      JSON.stringify(events),
    );
  }

  #isPresent(): boolean {
    this.#version ??= migrate(this.#sql, SCHEMA);
    return this.#version !== undefined;
  }
}

const toDelivery = (row: Row): Delivery =>
  compact({
    seq: Number(row.seq),
    id: String(row.id),
    eventId: String(row.event_id),
    eventType: EventType.parse(row.event_type),
    target: String(row.target),
    shown: String(row.shown),
    status: DeliveryStatus.parse(row.status),
    attempts: Number(row.attempts),
    createdAt: Number(row.created_at),
    nextAt: numberIn(row.next_at),
    deliveredAt: numberIn(row.delivered_at),
    error: textIn(row.error),
  });
