/** The offers of a job's runs, as far as their mailboxes have to hear of their end. */
import { withdrawOffer } from "../../src/agent/offer.ts";
import { isActive, type Run } from "../../src/domain/run/run.ts";
import type { Env } from "../../src/env.ts";
import type { StateChange } from "./state.ts";

export class JobOffers {
  readonly #env: Env;
  /** Runs whose end their mailbox reports itself. */
  readonly #reported = new Set<string>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** A commit has ended runs: their offers go, and the sockets that held them have room again. */
  noticed({ runs }: StateChange): void {
    for (const run of runs) if (!isActive(run) && !this.#reported.delete(run.id)) withdrawOffer(this.#env, run);
  }

  /** The mailbox is about to report the end of this run. */
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
