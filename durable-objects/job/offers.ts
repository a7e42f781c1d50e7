/** The offers of a job's runs, as far as their mailboxes have to hear of their end. */
import { followUpOffer, withdrawOffer } from "../../src/agent/offer.ts";
import { defaultMailbox } from "../../src/directory/agents.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { changeByRelease } from "../../src/domain/run/run-change.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import type { JobState, StateChange } from "./state.ts";

export class JobOffers {
  readonly #env: Env;
  readonly #state: JobState;
  /** Runs of which their mailbox reports something at this moment. */
  readonly #reported = new Set<string>();

  constructor(env: Env, state: JobState) {
    this.#env = env;
    this.#state = state;
  }

  /**
   * A commit has ended runs, so their offers go and the sockets that held them have room again. Or it has renewed
   * leases.
   */
  noticed({ runs, job }: StateChange): void {
    for (const run of runs) if (!this.#reported.has(run.id)) followUpOffer(this.#env, run);
    if (job) this.#reroute();
  }

  /** Delivers a run again that is offered to another agent than the job names now. That is no further attempt. */
  #reroute(): void {
    const { stored } = this.#state;
    if (stored?.active.some(({ phase }) => phase === "offered") !== true || stored.record.deletedAt !== undefined)
      return;
    const agentId = this.#agentId;
    const run = stored.active.find(({ phase, offeredTo }) => phase === "offered" && offeredTo !== agentId);
    const { current } = this.#state;
    if (run === undefined || current === undefined) return;
    withdrawOffer(this.#env, run);
    // This commit is noticed in turn, so the next such run follows.
    this.#state.commit(changeByRelease(current, run, Date.now()));
  }

  /** A claimed run was given back. A socket of an agent that the job names no more does not hear of it by the next offer. */
  released(run: Run): void {
    if (run.offeredTo !== this.#agentId) withdrawOffer(this.#env, run);
  }

  get #agentId(): string | undefined {
    return this.#state.stored?.record.definition.agent_id || defaultMailbox(this.#env, settingsOf(this.#env));
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
