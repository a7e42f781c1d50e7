/** The contract of a heartbeat for the rest of the Worker. `durable-objects/heartbeat/object.ts` implements it. */
import { notFound, type Outcome } from "../domain/failure.ts";
import { ok } from "../domain/result.ts";
import type { Beat, Heartbeat, HeartbeatInput } from "../schema/heartbeat.ts";
import { IdText } from "../schema/text.ts";
import type { Objects } from "./binding.ts";

/** One heartbeat (docs/contract.md §8). Every method but `configure` answers `not_found` if it was never created. */
export interface HeartbeatRpc {
  /**
   * Creates the heartbeat or replaces its configuration. Document and log stay. A masked secret keeps the stored value.
   * Errors: `validation_failed`.
   */
  configure(input: HeartbeatInput): Promise<Outcome<{ readonly heartbeat: Heartbeat; readonly created: boolean }>>;
  /** Applies a configuration from code, once for each `version`. Errors: `validation_failed`. */
  ensure(input: HeartbeatInput, version: string): Promise<Outcome<null>>;
  /** Reads it. `whole`: the operator asks, and sees webhooks' URLs. */
  read(whole: boolean): Promise<Outcome<Heartbeat>>;
  /** Erases the heartbeat with its document and log. A beat in progress is given up. */
  erase(): Promise<Outcome<null>>;
  /** HEARTBEAT.md, or "" if it was never written. */
  document(): Promise<Outcome<string>>;
  /** Stores the document. The caller has checked that `markdown` is at most 64 KiB. */
  writeDocument(markdown: string): Promise<Outcome<null>>;
  /** The log, newest first. `next` is the `before` of the following page, if there is one. */
  beats(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: Beat[]; readonly next?: number }>>;
  /**
   * Records a manual beat, which ignores the active hours. While a beat is in progress, that one's id is the answer, since
   * two never overlap.
   */
  beatNow(): Promise<Outcome<{ readonly beat_id: string }>>;
  /**
   * Handles the tick. It records a beat if one is due at `tickAt` (epoch ms) and none is in progress, and answers its id
   * without waiting for it. Calling it again for the same due time does nothing.
   */
  beatIfDue(tickAt: number): Promise<Outcome<{ readonly beat_id?: string }>>;
  /** Keeps code's interval tasks going. Only the object named {@link TASKS} is asked. */
  tendTasks(): Promise<void>;
}

/** The object whose alarm runs code's interval tasks. No heartbeat can have its name. */
export const TASKS = ":tasks";

export type HeartbeatBinding = { readonly HEARTBEAT: Objects<HeartbeatRpc> };

/** A heartbeat's object. The stub is fresh each time, since one that has thrown stays broken. */
export const heartbeatObject = (env: HeartbeatBinding, name: string): HeartbeatRpc => env.HEARTBEAT.getByName(name);

/**
 * The stub for a name from a client. Errors: `not_found` if no heartbeat can have the name, before any object is touched.
 */
export const findHeartbeat = (env: HeartbeatBinding, name: string): Outcome<HeartbeatRpc> =>
  IdText.safeParse(name).success ? ok(heartbeatObject(env, name)) : notFound("heartbeat");
