/** The wait of a loop in an object: until a time, or until it is woken. And for how long one alarm may. */

/**
 * The platform ends an alarm after 15 minutes. Before that, the next alarm takes the loop over, calls in flight
 * included.
 */
export const MAX_ALARM_MS = 10 * 60_000;

/** Setting a timer costs more than one spurious wake-up, so a timer that fires early is kept. */
export class Sleeper {
  #stopTimer = (): void => {};
  #ringsAt = Number.POSITIVE_INFINITY;
  #resume: () => void = () => {};

  /** Returns at `until` (epoch ms, within 24 days), at {@link wake}, or somewhat before. */
  async sleep(now: number, until: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    // One that should have rung by now counts other time than the clock: that was set on, or the machine was asleep.
    if (until < this.#ringsAt || this.#ringsAt <= now) this.#set(now, until);
    await promise;
  }

  wake(): void {
    this.#resume();
  }

  /** Takes the timer off: one left behind would keep the object awake, and billed. */
  end(): void {
    this.#stopTimer();
    this.#ringsAt = Number.POSITIVE_INFINITY;
  }

  #set(now: number, at: number): void {
    this.#stopTimer();
    this.#ringsAt = at;
    const ring = (): void => {
      this.#ringsAt = Number.POSITIVE_INFINITY;
      this.#resume();
    };
    const timer = setTimeout(ring, Math.max(0, at - now));
    this.#stopTimer = () => clearTimeout(timer);
  }
}
