/**
 * Effort: a bound on the work that one question about a schedule may take. Every loop over candidates spends from it,
 * so a schedule that hardly ever fires keeps no call busy. A time that is not found within it counts as not there.
 */

/** About one microsecond of work; a next fire is found within so many, or is taken not to come. */
const STEPS_FOR_ONE = 10_000;
/** For each further fire of one question. */
const STEPS_EACH = 20;

/** The price of a look: at a day, a rule's period, an exclusion's stretch, or a calendar's next time. */
export const STEPS = { day: 0.05, period: 0.2, time: 1, gap: 2, cron: 8, skipped: 50 } as const;

export class Effort {
  #left: number;

  /** For so many fires, or of so many steps. */
  constructor(fires = 1, steps = STEPS_FOR_ONE + (fires - 1) * STEPS_EACH) {
    this.#left = steps;
  }

  /** Takes `steps` of what is left; false where nothing was left. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left + steps > 0;
  }
}
