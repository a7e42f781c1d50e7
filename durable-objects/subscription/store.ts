/** The one place that reads and writes a Subscription object's tables. Every write is synchronous. */
import { compact } from "../../src/domain/compact.ts";
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import type { Delivery } from "../../src/domain/subscription/delivery.ts";
import type { Incident } from "../../src/domain/subscription/match.ts";
import type { StoredSubscription } from "../../src/domain/subscription/subscription.ts";
import { EventType } from "../../src/schema/event.ts";
import { DAY_MS } from "../../src/schema/limits.ts";
import { DeliveryStatus, type SubscriptionInput } from "../../src/schema/subscription.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { all, first, numberIn, parse, put, type Row, textIn } from "../storage/rows.ts";
import { SCHEMA } from "./schema.ts";

/** So many deliveries are kept, those still on their way aside; and for so long. */
const MAX_DELIVERIES = 1_000;
const RETENTION_MS = 30 * DAY_MS;

export class SubscriptionStore {
  readonly #sql: SqlStorage;
  #version: number | undefined;

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

  /** Whether the targets were told of this event, or are being told. */
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
      ...(delivery.seq === undefined ? {} : { seq: delivery.seq }),
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

  /** Newest first. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): Delivery[] {
    return all(this.#sql, "SELECT * FROM delivery WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, limit).map(
      toDelivery,
    );
  }

  /** Those whose time has come, the longest waiting first. */
  due(now: number, limit: number): Delivery[] {
    return all(this.#sql, "SELECT * FROM delivery WHERE next_at <= ? ORDER BY next_at, seq LIMIT ?", now, limit).map(
      toDelivery,
    );
  }

  /** When the next delivery is due (epoch ms). */
  nextAt(): number | undefined {
    return numberIn(first(this.#sql, "SELECT min(next_at) AS at FROM delivery WHERE next_at IS NOT NULL")?.at);
  }

  /** Keeps back all that is on its way. */
  hold(): void {
    this.#sql.exec("UPDATE delivery SET status = 'held', next_at = NULL WHERE next_at IS NOT NULL");
  }

  /** Sends on, from `now`, what was kept back. */
  release(now: number): void {
    this.#sql.exec("UPDATE delivery SET status = 'retrying', created_at = ?1, next_at = ?1 WHERE status = 'held'", now);
  }

  get hasHeld(): boolean {
    return first(this.#sql, "SELECT 1 FROM delivery WHERE status = 'held' LIMIT 1") !== undefined;
  }

  /** Drops old deliveries that have ended, messages that none is left of, and incidents that are over. */
  trim(now: number): void {
    const last = Number(first(this.#sql, "SELECT max(seq) AS seq FROM delivery")?.seq ?? 0);
    this.#sql.exec(
      "DELETE FROM delivery WHERE status IN ('delivered', 'failed') AND seq < ? AND (seq <= ? OR created_at < ?)",
      last,
      last - MAX_DELIVERIES,
      now - RETENTION_MS,
    );
    this.#sql.exec(
      "DELETE FROM message WHERE at < ? AND event_id NOT IN (SELECT event_id FROM delivery)",
      now - RETENTION_MS,
    );
    this.#sql.exec("DELETE FROM incident WHERE told_at < ? AND is_open = 0", now - RETENTION_MS);
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
