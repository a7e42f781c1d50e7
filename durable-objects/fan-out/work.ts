/**
 * The work of a shard: the newest fan-out that it was handed users of. It is read from the tables when it is first
 * asked for, and moved on by its turns (`turn.ts`). Older fan-outs are only stored.
 */
import type { Turn } from "../../src/domain/fan-out/turn.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import type { Run } from "../../src/domain/run/run.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import { CurrentFanOut } from "./current.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";
import { type TurnEffects, Turns } from "./turn.ts";

export type WorkEffects = TurnEffects & {
  /** Hears of each run as it ends. */
  readonly ended: (spec: FanOutSpec, run: Run) => void;
  /** A call in flight was answered. */
  readonly answered: () => void;
};

type Loaded = { readonly current: CurrentFanOut; readonly turns: Turns };

export class ShardWork {
  readonly #store: FanOutStore;
  readonly #effects: WorkEffects;
  /** Null if the shard was never handed users; undefined until it was read. */
  #loaded: Loaded | null | undefined;
  #isNew = false;

  constructor(store: FanOutStore, effects: WorkEffects) {
    this.#store = store;
    this.#effects = effects;
  }

  get current(): CurrentFanOut | undefined {
    return this.#load()?.current;
  }

  /** This fan-out in memory, if it is the one that the shard works on. */
  currentOf({ spec }: StoredFanOut): CurrentFanOut | undefined {
    const { current } = this;
    return current?.spec.number === spec.number ? current : undefined;
  }

  get isCalling(): boolean {
    return (this.#loaded?.current.flights.size ?? 0) > 0;
  }

  /** Takes one turn; undefined if there is no fan-out. */
  takeTurn(budget: CallBudget, now: number): Turn | undefined {
    return this.#load()?.turns.take(budget, now);
  }

  /** When the next turn has something to do that no ending call announces (epoch ms, or infinity). */
  nextTurnAt(now: number): number {
    return this.#load()?.turns.nextAt(now) ?? Number.POSITIVE_INFINITY;
  }

  /** When the log is to be written, or a call's time is over (epoch ms, or infinity). */
  nextDeadline(now: number): number {
    if (!this.#loaded) return Number.POSITIVE_INFINITY;
    const { log, flights } = this.#loaded.current;
    return Math.min(log.writeAt, flights.nextEnd(now));
  }

  /** Takes over a run that was changed from outside. True when a turn may have more to do now. */
  change(fanOut: StoredFanOut, key: string, before: Run, after: Run, now: number): boolean {
    const current = this.currentOf(fanOut);
    if (current !== undefined) return current.change(key, before, after, now);
    this.#store.putRuns(fanOut.spec.number, [after]);
    return false;
  }

  /** Writes the part of the log that is still in memory, before somebody reads the tables. */
  write(): void {
    this.#loaded?.current.log.write();
  }

  /** Stores all that the next process needs, before the object may fall asleep. */
  rest(): void {
    this.write();
    this.#load()?.turns.noteNextCall();
  }

  /** Aborts the calls in flight and reads everything again, since the tables have changed. */
  reload({ isNew = false }: { readonly isNew?: boolean } = {}): void {
    this.#loaded?.current.flights.abortAll();
    this.#loaded = undefined;
    this.#isNew = isNew;
  }

  /** Aborts the calls in flight; nothing is called or logged from here any more. */
  end(): void {
    this.#loaded?.current.flights.abortAll();
    this.#loaded = null;
  }

  #load(): Loaded | undefined {
    if (this.#loaded === undefined) this.#loaded = this.#read() ?? null;
    return this.#loaded ?? undefined;
  }

  #read(): Loaded | undefined {
    const stored = this.#store.newest();
    if (stored === undefined) return undefined;
    const current = new CurrentFanOut(stored, this.#store, this.#effects);
    return { current, turns: new Turns(current, stored, this.#store, this.#effects, { isNew: this.#isNew }) };
  }
}
