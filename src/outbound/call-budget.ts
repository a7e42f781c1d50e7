/**
 * The calls that one invocation may still make (docs/architecture.md, invariant 5). The platform refuses every call beyond
 * its limit at once. A loop that continued would use up the attempts of all remaining runs.
 */
import { messageOf } from "../domain/text/error-text.ts";

/** One invocation's budget. A loop gets one when its alarm rings, and ends its wake when the budget is used up. */
export class CallBudget {
  #left: number;
  #isExhausted = false;

  /** @param limit the calls that the invocation may make, an integer of at least 1 (setting `CALLS_PER_WAKE`) */
  constructor(limit: number) {
    this.#left = limit;
  }

  get left(): number {
    return this.#left;
  }

  get isUsedUp(): boolean {
    return this.#left === 0;
  }

  /** Takes `calls` from the budget before they are made. If there are not enough, it takes nothing and returns false. */
  take(calls = 1): boolean {
    if (this.#left < calls) return false;
    this.#left -= calls;
    return true;
  }

  /** Gives back calls that were taken but not needed. */
  giveBack(calls: number): void {
    if (!this.#isExhausted) this.#left += calls;
  }

  /**
   * Ends the budget, because the platform has refused a call and so counts differently. No further call is made in this
   * invocation.
   */
  exhaust(): void {
    this.#isExhausted = true;
    this.#left = 0;
  }
}

/** The budget of a call of the API. Under `npm start` no platform counts, so a call has no limit. */
export const requestBudget = (settings: { readonly LOCAL: boolean; readonly CALLS_PER_WAKE: number }): CallBudget =>
  new CallBudget(settings.LOCAL ? Number.POSITIVE_INFINITY : settings.CALLS_PER_WAKE);

/**
 * Whether the thrown value is the platform's refusal of one more call in this invocation. Such a call was never made, so it
 * ends the wake and is no attempt. The texts are those of workerd and of the Workers runtime, for outside calls and for
 * objects.
 */
export function isCallRefusal(error: unknown): boolean {
  const message = messageOf(error);
  return /too many (subrequests|api requests)/i.test(message);
}
