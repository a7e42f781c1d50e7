/** The wait of a loop in an object, until a time or until it is woken. It also bounds the length of one alarm. */

/**
 * The longest time of one alarm. The platform ends an alarm after 15 minutes, so the next one takes over before that,
 * including calls in flight.
 */
export const MAX_ALARM_MS = 10 * 60_000;

/** Setting a timer costs more than one spurious wake-up, so a timer that fires early is kept. */
export class Sleeper {
  #stopTimer = (): void => {};
  #ringsAt = Number.POSITIVE_INFINITY;
  #resume: () => void = () => {};

  /** Returns at `until` (epoch ms, within 24 days), at {@link wake}, or slightly before. */
  async sleep(now: number, until: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    // A timer that should have rung by now is wrong: the clock was set forward, or the machine was asleep.
    if (until < this.#ringsAt || this.#ringsAt <= now) this.#set(now, until);
    await promise;
  }

  wake(): void {
    this.#resume();
  }

  /** Stops the timer, which would otherwise keep the object awake and billed. */
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
