/** The one alarm of an object. Its time is remembered, so setting it to the same time costs nothing. */

/**
 * The latest alarm. The platform refuses alarms after 2189. An object due later wakes then, finds nothing due, and is armed
 * again.
 */
const LATEST_AT = Date.UTC(2189, 0, 1);

export class Alarm {
  readonly #storage: Pick<DurableObjectStorage, "setAlarm" | "deleteAlarm">;
  #at: number | null | undefined;

  constructor(storage: Pick<DurableObjectStorage, "setAlarm" | "deleteAlarm">) {
    this.#storage = storage;
  }

  /** Sets the alarm to `at` (epoch ms). Null or infinity removes it. It writes one row if the time changes. */
  set(at: number | null): void {
    const next =
      at === null || at === Number.POSITIVE_INFINITY ? null : Math.max(1, Math.min(LATEST_AT, Math.ceil(at)));
    if (next === this.#at) return;
    if (next === null) void this.#storage.deleteAlarm();
    else void this.#storage.setAlarm(next);
    this.#at = next;
  }

  /** Makes the alarm ring at `at` (epoch ms) or earlier. An earlier alarm stays, which costs nothing. */
  by(at: number): void {
    if (typeof this.#at !== "number" || this.#at > at) this.set(at);
  }

  /** Notes that the alarm is gone, because the platform is running it or the storage was erased. */
  taken(): void {
    this.#at = null;
  }

  /** Notes that the remembered time may be wrong, since the platform gives up on an alarm that failed too often. */
  doubt(): void {
    this.#at = undefined;
  }
}
