/**
 * The closing of a mailbox whose agent was deleted or has got a URL. Its offers go back to their jobs, which look the agent
 * up again.
 */
import { deliveryOf, findAgent } from "../../src/directory/agents.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import { mapLimit } from "../../src/map-limit.ts";
import { jobObject } from "../../src/objects/job.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/schema/limits.ts";
import type { MailboxStore, StoredOffer } from "./store.ts";

/** The time for which a job may still offer runs, because it has looked the agent up before. */
const STALE_MS = MINUTE_MS + 10 * SECOND_MS;

const NOT_OFFERED_YET = new Error("the job does not know yet that its run is offered");

/** The facts that closing needs about the mailbox. */
export type ClosingContext = {
  readonly agentId: () => string;
  /** Gives the runs that are being claimed or are left alone at present. */
  readonly busy: () => string[];
  /** Handles a job that could not be reached: its offer is left alone for a moment. */
  readonly failed: (offer: StoredOffer, error: unknown) => void;
};

export class Closing {
  readonly #env: Env;
  readonly #store: MailboxStore;
  readonly #context: ClosingContext;
  /** Offers up to this time go back, in epoch ms. */
  #closedAt: number | undefined;
  #recheckAt: number | undefined;

  constructor(env: Env, store: MailboxStore, context: ClosingContext) {
    this.#env = env;
    this.#store = store;
    this.#context = context;
  }

  /** Closes the mailbox at `now` (epoch ms). If it was never in use, it is neither woken nor created for a second look. */
  close(now: number, wasInUse: boolean): void {
    this.#closedAt = now;
    if (wasInUse) this.#recheckAt = now + STALE_MS;
  }

  /** When the mailbox must check again whether its agent has one, in epoch ms. */
  get recheckAt(): number | undefined {
    return this.#recheckAt;
  }

  /** Closes the mailbox again if runs are offered although its agent has none any more. Does not throw. */
  async recheck(now: number): Promise<void> {
    if ((this.#recheckAt ?? 0) > now) return;
    this.#recheckAt = undefined;
    if (this.#store.oldest({}, [], 1).length === 0) return;
    try {
      const agent = await findAgent(this.#env, settingsOf(this.#env), this.#context.agentId(), now);
      if (agent === undefined || deliveryOf(agent) === "push") this.#closedAt = now;
    } catch (error) {
      logError("A mailbox could not look up its agent; trying again", { agent_id: this.#context.agentId() }, error);
      this.#recheckAt = now + MINUTE_MS;
    }
  }

  /** Gives back the offers from before the closing, within the budget. Returns whether there may be more. */
  async giveBack(budget: CallBudget): Promise<boolean> {
    const closedAt = this.#closedAt;
    if (closedAt === undefined) return false;
    const busy = this.#context.busy();
    const offers = this.#store.oldest({}, busy, budget.left).filter(({ offeredAt }) => offeredAt <= closedAt);
    budget.take(offers.length);
    await mapLimit(offers, async (offer) => {
      try {
        const released = await jobObject(this.#env, offer.jobId).releaseRun({ role: "admin" }, offer.runId, "mailbox");
        // A job that has not taken up the answer to its offer yet would keep the run offered, and no mailbox would have it.
        const mayBeEarly = !released.ok && released.error.kind === "validation_failed";
        if (mayBeEarly && Date.now() < offer.offeredAt + STALE_MS) this.#context.failed(offer, NOT_OFFERED_YET);
        else this.#store.delete(offer);
      } catch (error) {
        this.#context.failed(offer, error);
      }
    });
    // A run that is busy now may be offered later, so one more look is needed then.
    if (offers.length === 0 && busy.length === 0) this.#closedAt = undefined;
    return offers.length > 0;
  }
}
