/** The calls of a shard that are in flight, each with its run and its user's batch. */
import type { AttemptOutcome } from "../../src/domain/run/attempt-outcome.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { keyOfUserRun } from "../../src/domain/run/run-id.ts";
import type { Deadline } from "../../src/outbound/deadline.ts";
import { attemptCalls } from "../shared/attempt-calls.ts";
import type { Calls } from "../shared/calls.ts";
import type { OpenBatch } from "./queue.ts";

/** A call in flight. `logged`: the log holds an earlier state of this run. */
export type Flight = { readonly run: Run; readonly logged: boolean; readonly batch: OpenBatch | undefined };

export class Flights {
  readonly #calls: Calls<AttemptOutcome>;
  readonly #flights = new Map<string, Flight>();

  /** `answered` is called for every answer. */
  constructor(answered: () => void) {
    this.#calls = attemptCalls(answered);
  }

  get size(): number {
    return this.#flights.size;
  }

  /** The flights by their users' keys. */
  get byKey(): ReadonlyMap<string, Flight> {
    return this.#flights;
  }

  /** Makes the call of a flight. It may take `timeoutMs` from `now` (epoch ms). */
  begin(flight: Flight, timeoutMs: number, now: number, call: (deadline: Deadline) => Promise<AttemptOutcome>): void {
    const key = keyOfUserRun(flight.run.id);
    this.#flights.set(key, flight);
    this.#calls.begin(key, timeoutMs, now, call);
  }

  /** Notes that the run was changed in the log during its call. */
  relogged(key: string, run: Run): void {
    const flight = this.#flights.get(key);
    if (flight !== undefined) this.#flights.set(key, { ...flight, run, logged: true });
  }

  /** The answers since the last time, by key. A call whose time is over is interrupted first. */
  takeAnswers(now: number): ReadonlyMap<string, AttemptOutcome> {
    this.#calls.watch(now);
    return this.#calls.takeAnswers();
  }

  /** Ends a flight, and aborts its call if that is still under way. Answers the flight's batch. */
  land(key: string): OpenBatch | undefined {
    this.#calls.abort(key);
    const batch = this.#flights.get(key)?.batch;
    this.#flights.delete(key);
    return batch;
  }

  abortAll(): void {
    this.#calls.abortAll();
    this.#flights.clear();
  }

  /** When a call's time is over next (epoch ms, or infinity). */
  nextEnd(now: number): number {
    return this.#calls.nextEnd(now);
  }
}
