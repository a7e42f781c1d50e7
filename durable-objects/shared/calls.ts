/**
 * An object's calls in flight: their deadlines, and the answers that its loop has not taken up yet. A call that does not
 * settle shortly after its deadline is given up, even if its code is stuck (docs/architecture.md, invariant 9).
 */
import { Deadline } from "../../src/outbound/deadline.ts";

/** A call. `endsAt` is when its time is over (epoch ms). */
type Call = { readonly deadline: Deadline; readonly endsAt: number };

export type CallRules<A> = {
  /** The time after its deadline at which a call is given up, in ms. */
  readonly graceMs: number;
  /** The answer for a call that was given up. Its deadline was `timeoutMs` long. */
  readonly givenUp: (timeoutMs: number) => A;
  /** The answer for a call that threw. */
  readonly threw: (error: unknown) => A;
  /** Called when an answer comes in. */
  readonly answered: () => void;
};

export class Calls<A> {
  readonly #rules: CallRules<A>;
  readonly #inFlight = new Map<string, Call>();
  readonly #answers = new Map<string, A>();

  constructor(rules: CallRules<A>) {
    this.#rules = rules;
  }

  /** The calls whose answer has not been taken up. */
  get keys(): ReadonlySet<string> {
    return new Set(this.#inFlight.keys());
  }

  get size(): number {
    return this.#inFlight.size;
  }

  get hasAnswers(): boolean {
    return this.#answers.size > 0;
  }

  /** Makes a call under `key` that may take `timeoutMs` from `now`. */
  begin(key: string, timeoutMs: number, now: number, make: (deadline: Deadline) => Promise<A>): void {
    const call = { deadline: new Deadline(timeoutMs), endsAt: now + timeoutMs };
    this.#inFlight.set(key, call);
    const take = (answer: A): void => {
      // A call that was aborted or given up has its answer already.
      if (this.#inFlight.get(key) !== call || this.#answers.has(key)) return;
      this.#answers.set(key, answer);
      this.#rules.answered();
    };
    const made = async (): Promise<A> => make(call.deadline);
    made().then(take, (error: unknown) => take(this.#rules.threw(error)));
  }

  /** Interrupts the calls whose time is over, and answers for those that do not react. */
  watch(now: number): void {
    for (const [key, { deadline, endsAt }] of this.#inFlight) {
      if (endsAt > now) continue;
      deadline.interrupt("timeout");
      if (endsAt + this.#rules.graceMs > now || this.#answers.has(key)) continue;
      this.#answers.set(key, this.#rules.givenUp(deadline.timeoutMs));
    }
  }

  /** The answers since the last time. Their calls are over. */
  takeAnswers(): ReadonlyMap<string, A> {
    const answers = new Map(this.#answers);
    for (const key of answers.keys()) this.#inFlight.delete(key);
    this.#answers.clear();
    return answers;
  }

  /** Aborts a call. Its answer no longer counts. */
  abort(key: string): void {
    this.#inFlight.get(key)?.deadline.interrupt("aborted");
    this.#inFlight.delete(key);
    this.#answers.delete(key);
  }

  abortAll(): void {
    for (const key of [...this.#inFlight.keys()]) this.abort(key);
  }

  /** The next time at which {@link watch} has something to do (epoch ms, or infinity). */
  nextEnd(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { endsAt } of this.#inFlight.values()) {
      next = Math.min(next, endsAt > now ? endsAt : endsAt + this.#rules.graceMs);
    }
    return next;
  }
}
