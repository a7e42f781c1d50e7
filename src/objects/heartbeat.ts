/** The contract of a heartbeat for the rest of the Worker. `durable-objects/heartbeat/object.ts` implements it. */
import { notFound, type Outcome } from "../domain/failure.ts";
import { ok } from "../domain/result.ts";
import type { Beat, Heartbeat, HeartbeatInput } from "../schema/heartbeat.ts";
import { IdText } from "../schema/text.ts";
import type { Objects } from "./binding.ts";

/** One heartbeat (docs/contract.md §8). Every method but `configure` answers `not_found` if it was never made. */
export interface HeartbeatRpc {
  /** Makes the heartbeat or replaces its configuration; document and log stay. Masked secrets keep what is stored. Errors: `validation_failed`. */
  configure(input: HeartbeatInput): Promise<Outcome<{ readonly heartbeat: Heartbeat; readonly created: boolean }>>;
  /** Applies a configuration from code, once for each `version` of it. Errors: `validation_failed`. */
  ensure(input: HeartbeatInput, version: string): Promise<Outcome<null>>;
  /** `whole`: the operator asks, who sees webhooks' URLs. */
  read(whole: boolean): Promise<Outcome<Heartbeat>>;
  /** Erases the heartbeat with its document and log; a beat in progress is given up. */
  erase(): Promise<Outcome<null>>;
  /** HEARTBEAT.md; "" if it was never written. */
  document(): Promise<Outcome<string>>;
  /** `markdown` of at most 64 KiB, which the caller has checked. */
  writeDocument(markdown: string): Promise<Outcome<null>>;
  /** The log, newest first; `next` is the `before` of the page that follows, if there is one. */
  beats(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: Beat[]; readonly next?: number }>>;
  /**
   * A beat by hand, which ignores the active hours. While one is in progress that one's id is the answer: two never
   * overlap.
   */
  beatNow(): Promise<Outcome<{ readonly beat_id: string }>>;
  /**
   * The tick's call. Records a beat if one is due at `tickAt` (epoch ms) and none is in progress, and answers its id without
   * waiting for it. Called again for the same due time it does nothing.
   */
  beatIfDue(tickAt: number): Promise<Outcome<{ readonly beat_id?: string }>>;
  /** Keeps code's interval tasks going. Only the object that is named {@link TASKS} is asked. */
  tendTasks(): Promise<void>;
}

/** The object whose alarm runs code's interval tasks. No heartbeat can have its name. */
export const TASKS = ":tasks";

export type HeartbeatBinding = { readonly HEARTBEAT: Objects<HeartbeatRpc> };

/** A fresh stub each time: one that has thrown stays broken. */
export const heartbeatObject = (env: HeartbeatBinding, name: string): HeartbeatRpc => env.HEARTBEAT.getByName(name);

/** The stub for a name that a client sent. Errors: `not_found` if no heartbeat can have the name, before any object is touched. */
export const findHeartbeat = (env: HeartbeatBinding, name: string): Outcome<HeartbeatRpc> =>
  IdText.safeParse(name).success ? ok(heartbeatObject(env, name)) : notFound("heartbeat");
