/**
 * Effort is a bound on the work for one question about a schedule. Every loop over candidates spends from it, so a schedule
 * that hardly ever fires keeps no call busy. A time that is not found within the effort counts as absent.
 */
/**
 * The steps for a next fire. A step is about one microsecond of work. A fire that is not found within them counts as
 * absent.
 */
const STEPS_FOR_ONE = 10_000;
/** The steps for each further fire of one question. */
const STEPS_EACH = 20;

/** The steps that one look costs: at a day, a rule's period, an exclusion's stretch, or a calendar's next time. */
export const STEPS = { day: 0.05, period: 0.2, time: 1, gap: 2, cron: 8, skipped: 50 } as const;

export class Effort {
  #left: number;

  /** The effort for a number of fires, or of a number of steps. */
  constructor(fires = 1, steps = STEPS_FOR_ONE + (fires - 1) * STEPS_EACH) {
    this.#left = steps;
  }

  /** Takes `steps` of the remaining effort. False if nothing was left. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left + steps > 0;
  }
}
