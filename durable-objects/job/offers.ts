/** The offers of a job's runs, as far as their mailboxes have to hear of their end. */
import { followUpOffer, withdrawOffer } from "../../src/agent/offer.ts";
import type { Run } from "../../src/domain/run/run.ts";
import type { Env } from "../../src/env.ts";
import type { StateChange } from "./state.ts";

export class JobOffers {
  readonly #env: Env;
  /** Runs of which their mailbox reports something at this moment. */
  readonly #reported = new Set<string>();

  constructor(env: Env) {
    this.#env = env;
  }

  /**
   * A commit has ended runs, so their offers go and the sockets that held them have room again. Or it has renewed
   * leases.
   */
  noticed({ runs }: StateChange): void {
    for (const run of runs) if (!this.#reported.has(run.id)) followUpOffer(this.#env, run);
  }

  /** The mailbox is about to report on this run, so it need not be told. */
  async reporting<T>(runId: string, report: () => Promise<T>): Promise<T> {
    this.#reported.add(runId);
    try {
      return await report();
    } finally {
      this.#reported.delete(runId);
    }
  }

  /** The job is deleted with its runs. */
  withdrawAll(runs: readonly Run[]): void {
    for (const run of runs) withdrawOffer(this.#env, run);
  }
}
