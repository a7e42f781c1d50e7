/**
 * A job under `decideTick` with a minimal shell, for tests of random histories. What is recorded survives a kill. The clock
 * is the test's.
 */
import type { Outcome } from "../../../../src/domain/failure.ts";
import { changeByBackfill, waitingBackfills } from "../../../../src/domain/job/backfill.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import type { JobChange } from "../../../../src/domain/job/job-change.ts";
import { changeByTrigger } from "../../../../src/domain/job/start-run.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { countEnded } from "../../../../src/domain/run/new-run.ts";
import { cancelRun, isActive, type Run } from "../../../../src/domain/run/run.ts";
import { decideTick, type TickState, timersOf } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";

export const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
export const EVERY_MS = 7_000;

export class World {
  now: number;
  held: string | undefined;
  state: TickState;
  readonly log = new Map<string, Run>();
  readonly calls: { id: string; attempt: number }[] = [];
  /** First attempts that the gate should have stopped. */
  readonly slippedThrough: string[] = [];
  /** How many calls one wake may make. */
  callsPerWake = Number.POSITIVE_INFINITY;
  mostCallsInAWake = 0;
  /** The runs of events that were accepted. */
  readonly events: string[] = [];
  /** Fires that a backfill has queued, without those that were dropped again. */
  backfilled = 0;
  #inFlight = new Set<string>();

  /** @param madeAt when the job is created, epoch ms */
  constructor(fields: Record<string, unknown>, madeAt: number = T0) {
    this.now = madeAt;
    const input = JobInput.parse({ name: "n", message: "m", schedule: { every: "7s" }, ...fields });
    const defined = defineJob(input);
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    this.state = { job: defined.value, ...newJob("j1", defined.value, madeAt), active: [] };
  }

  /** Wakes the object: it decides, records, and acts, unless it is killed in between. */
  wake(
    random: number,
    answers: ReadonlyMap<string, AttemptOutcome> = new Map(),
    killed: "never" | "before" | "after record" = "never",
  ) {
    if (killed === "before") return this.kill();
    const { definition, resumeAt = Number.POSITIVE_INFINITY } = this.state.record;
    const stopped = this.held !== undefined || (!definition.enabled && resumeAt > this.now);
    const known = new Set(this.log.keys());
    const context = { now: this.now, random, inFlight: this.#inFlight, answers, held: this.held };
    const result = decideTick(this.state, { ...context, callsLeft: this.callsPerWake });
    this.mostCallsInAWake = Math.max(this.mostCallsInAWake, result.calls.length);
    for (const id of answers.keys()) this.#inFlight.delete(id);
    for (const run of result.changed) this.log.set(run.id, run);
    for (const run of result.calls) if (stopped && !known.has(run.id)) this.slippedThrough.push(run.id);
    const { record, cursor, active } = result;
    this.state = { ...this.state, record, cursor, active };
    if (killed === "after record") return this.kill();
    for (const id of result.aborts) this.#inFlight.delete(id);
    for (const run of result.calls) {
      this.calls.push({ id: run.id, attempt: run.attempt });
      this.#inFlight.add(run.id);
    }
  }

  kill() {
    this.#inFlight = new Set();
  }

  /** Wakes the object for every timer up to `until`, as the alarm and the loop do. */
  advance(ms: number, random: number) {
    const until = this.now + ms;
    for (;;) {
      const next = Math.min(
        ...timersOf(this.state, { now: this.now, inFlight: this.#inFlight, held: this.held })
          .filter((t) => t.kind !== "index" && t.kind !== "erase")
          .map((t) => t.at),
      );
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.wake(random);
    }
    this.now = until;
  }

  answer(pick: number, answer: AttemptOutcome, random: number) {
    const ids = [...this.#inFlight];
    const id = ids[pick % Math.max(1, ids.length)];
    if (id !== undefined) this.wake(random, new Map([[id, answer]]));
  }

  cancel(pick: number) {
    const run = this.state.active[pick % Math.max(1, this.state.active.length)];
    if (run === undefined) return;
    const ended = cancelRun(run, this.now);
    this.#inFlight.delete(run.id);
    this.log.set(run.id, ended);
    this.state = {
      ...this.state,
      active: this.state.active.filter((other) => other.id !== run.id),
      cursor: countEnded(this.state.cursor, ended),
    };
  }

  /** A call from outside, recorded as the shell does it. A refused call changes nothing. */
  change(decide: (state: TickState, now: number) => Outcome<JobChange>) {
    const change = decide(this.state, this.now);
    if (!change.ok) return;
    const { record = this.state.record, cursor = this.state.cursor, runs = [] } = change.value;
    for (const run of runs) this.log.set(run.id, run);
    const defined = defineJob(record.definition);
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    const changed = new Set(runs.map(({ id }) => id));
    const active = [...this.state.active.filter(({ id }) => !changed.has(id)), ...runs.filter(isActive)];
    for (const run of runs) if (!isActive(run)) this.#inFlight.delete(run.id);
    this.state = { ...this.state, job: defined.value, record, cursor, active };
  }

  /** An event from outside. */
  trigger() {
    const nonce = String(this.events.length);
    this.change((state, now) => {
      const triggered = changeByTrigger(state, {}, { nonce, held: this.held, now });
      if (triggered.ok) this.events.push(triggered.value.runId);
      return triggered;
    });
  }

  backfill(fires: number) {
    const window = { from: new Date(T0 - fires * EVERY_MS).toISOString(), to: new Date(T0 - 1).toISOString() };
    const before = waitingBackfills(this.state.record);
    this.change((state, now) => changeByBackfill(state, window, now));
    this.backfilled += waitingBackfills(this.state.record) - before;
  }

  dropBackfills() {
    this.backfilled -= waitingBackfills(this.state.record);
    this.change((state, now) => changeByBackfill(state, { cancel: true }, now));
  }

  get inFlight(): ReadonlySet<string> {
    return this.#inFlight;
  }
}
