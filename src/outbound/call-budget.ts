/**
 * The calls that one invocation may still make (docs/architecture.md, invariant 5). The platform refuses every call beyond its
 * limit at once, so a loop that went on would use up the attempts of all runs that are left.
 */
import { messageOf } from "../domain/text/error-text.ts";

/** One invocation's budget. A loop makes one when its alarm rings, and ends its wake when the budget is used up. */
export class CallBudget {
  #left: number;
  #isExhausted = false;

  /** `limit`: how many calls the invocation may make, an integer of at least 1 (setting `CALLS_PER_WAKE`). */
  constructor(limit: number) {
    this.#left = limit;
  }

  get left(): number {
    return this.#left;
  }

  get isUsedUp(): boolean {
    return this.#left === 0;
  }

  /** Takes `calls` from the budget before they are made. False, and nothing is taken, when so many are not left. */
  take(calls = 1): boolean {
    if (this.#left < calls) return false;
    this.#left -= calls;
    return true;
  }

  /** Gives back what was taken, and not needed after all. */
  giveBack(calls: number): void {
    if (!this.#isExhausted) this.#left += calls;
  }

  /** The platform has refused a call, so it counts otherwise than we do. No further call is made in this invocation. */
  exhaust(): void {
    this.#isExhausted = true;
    this.#left = 0;
  }
}

/** The budget of a call of the API. Under `npm start` no platform counts, and a call does all that it is for. */
export const requestBudget = (settings: { readonly LOCAL: boolean; readonly CALLS_PER_WAKE: number }): CallBudget =>
  new CallBudget(settings.LOCAL ? Number.POSITIVE_INFINITY : settings.CALLS_PER_WAKE);

/**
 * The thrown value is the platform's refusal to make one more call in this invocation. Such a call was never made: it ends
 * the wake, and is no attempt. The texts are those of workerd and of the Workers runtime, for outside calls and for objects.
 */
export function isCallRefusal(error: unknown): boolean {
  const message = messageOf(error);
  return /too many (subrequests|api requests)/i.test(message);
}
