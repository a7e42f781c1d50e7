/** The offers of a job's runs. Their mailboxes must hear when they end. */
import { followUpOffer, withdrawOffer } from "../../src/agent/offer.ts";
import { calledAgentId } from "../../src/agent/resolve.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { changeByRelease } from "../../src/domain/run/run-change.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import type { JobState, StateChange } from "./state.ts";

export class JobOffers {
  readonly #env: Env;
  readonly #state: JobState;
  /** The runs that their mailbox is reporting on at this moment. */
  readonly #reported = new Set<string>();

  constructor(env: Env, state: JobState) {
    this.#env = env;
    this.#state = state;
  }

  /**
   * Handles a commit. If it ended runs, their offers go and the sockets that held them have room again. If it renewed
   * leases, their mailboxes hear it.
   */
  noticed({ runs, job, hasMoved }: StateChange): void {
    for (const run of runs) if (!this.#reported.has(run.id)) followUpOffer(this.#env, run);
    if (job) this.#reroute(hasMoved === true);
  }

  /**
   * Delivers runs again that are offered to an agent or for a user that the job no longer names. An offer carries both, since
   * they decide who may see it. This does not count as an attempt.
   */
  #reroute(hasMoved: boolean): void {
    const { stored } = this.#state;
    if (stored?.active.some(({ phase }) => phase === "offered") !== true || stored.record.deletedAt !== undefined)
      return;
    const { agentId } = this;
    for (const { id } of stored.active) {
      const { current } = this.#state;
      const run = current?.active.find((now) => now.id === id);
      if (current === undefined || run?.phase !== "offered") continue;
      if (!hasMoved && run.offeredTo === agentId) continue;
      withdrawOffer(this.#env, run);
      this.#state.commit(changeByRelease(current, run, Date.now()));
    }
  }

  /** Handles a claimed run that was given back. If the job names another agent now, the old agent's socket must be told. */
  released(run: Run): void {
    if (run.offeredTo !== this.agentId) withdrawOffer(this.#env, run);
  }

  /** The agent to whose mailbox the job's runs go, if that is how it is reached. */
  get agentId(): string | undefined {
    return calledAgentId(this.#env, settingsOf(this.#env), this.#state.stored?.record.definition.agent_id);
  }

  /** Runs a report of the mailbox itself, so the mailbox need not be told about its effect. */
  async reporting<T>(runId: string, report: () => Promise<T>): Promise<T> {
    this.#reported.add(runId);
    try {
      return await report();
    } finally {
      this.#reported.delete(runId);
    }
  }

  /** Withdraws all offers, because the job is deleted with its runs. */
  withdrawAll(runs: readonly Run[]): void {
    for (const run of runs) withdrawOffer(this.#env, run);
  }
}
