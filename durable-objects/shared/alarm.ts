/** The one alarm of an object: what it is set to is remembered, so that setting it again costs nothing. */

/** The platform refuses alarms after 2189; an object due later is woken then, finds nothing due, and is armed again. */
const LATEST_AT = Date.UTC(2189, 0, 1);

export class Alarm {
  readonly #storage: Pick<DurableObjectStorage, "setAlarm" | "deleteAlarm">;
  #at: number | null | undefined;

  constructor(storage: Pick<DurableObjectStorage, "setAlarm" | "deleteAlarm">) {
    this.#storage = storage;
  }

  /**
   * Sets the alarm to `at` (epoch ms), or takes it off where that is null or infinite. Rows written: one where it
   * changes.
   */
  set(at: number | null): void {
    const next =
      at === null || at === Number.POSITIVE_INFINITY ? null : Math.max(1, Math.min(LATEST_AT, Math.ceil(at)));
    if (next === this.#at) return;
    if (next === null) void this.#storage.deleteAlarm();
    else void this.#storage.setAlarm(next);
    this.#at = next;
  }

  /** Has the alarm ring at `at` (epoch ms) or before; one that is set for earlier stays, and costs nothing. */
  by(at: number): void {
    if (typeof this.#at !== "number" || this.#at > at) this.set(at);
  }

  /** The platform has taken the alarm off to run it, or the storage was erased. */
  taken(): void {
    this.#at = null;
  }

  /** The memory of the alarm may be wrong, since the platform gives up on one that failed too often. */
  doubt(): void {
    this.#at = undefined;
  }
}
