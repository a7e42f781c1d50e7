/**
 * The calls that one invocation may still make (docs/architecture.md, invariant 5). The platform refuses every call beyond its
 * limit at once, so a loop that went on would use up the attempts of all runs that are left.
 */

/** One invocation's budget. A loop makes one when its alarm rings, and ends its wake when the budget is used up. */
export class CallBudget {
  #left: number;

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

  /** The platform has refused a call, so it counts otherwise than we do: no further call is made in this invocation. */
  exhaust(): void {
    this.#left = 0;
  }
}

/**
 * The thrown value is the platform's refusal to make one more call in this invocation. Such a call was never made: it ends
 * the wake, and is no attempt. The texts are those of workerd and of the Workers runtime, for outside calls and for objects.
 */
export function isCallRefusal(error: unknown): boolean {
  const message = error instanceof Error ? error.message : String(error);
  return /too many (subrequests|api requests)/i.test(message);
}
