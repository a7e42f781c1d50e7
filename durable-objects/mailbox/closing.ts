/**
 * A mailbox whose agent is deleted, or has a URL now. What is offered goes back to its jobs, which look the agent up
 * again.
 */
import { deliveryOf, findAgent } from "../../src/directory/agents.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import { mapLimit } from "../../src/map-limit.ts";
import { jobObject } from "../../src/objects/job.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/schema/limits.ts";
import type { MailboxStore, StoredOffer } from "./store.ts";

/** A job that has looked the agent up before may offer runs for a minute more. */
const STALE_MS = MINUTE_MS + 10 * SECOND_MS;

/** The mailbox's further knowledge. */
export type ClosingContext = {
  readonly agentId: () => string;
  /** Runs that are being claimed, or are left alone at present. */
  readonly busy: () => string[];
  /** A job could not be reached: its offer is left alone for a moment. */
  readonly failed: (offer: StoredOffer, error: unknown) => void;
};

export class Closing {
  readonly #env: Env;
  readonly #store: MailboxStore;
  readonly #context: ClosingContext;
  /** Offers up to this time go back; epoch ms. */
  #closedAt: number | undefined;
  #recheckAt: number | undefined;

  constructor(env: Env, store: MailboxStore, context: ClosingContext) {
    this.#env = env;
    this.#store = store;
    this.#context = context;
  }

  /** The mailbox is closed at `now` (epoch ms). One that was never in use is not woken, nor made, to look again. */
  close(now: number, wasInUse: boolean): void {
    this.#closedAt = now;
    if (wasInUse) this.#recheckAt = now + STALE_MS;
  }

  /** When it is to be asked once more whether the agent has a mailbox; epoch ms. */
  get recheckAt(): number | undefined {
    return this.#recheckAt;
  }

  /** Closes the mailbox again if runs are offered and its agent has none any more. Does not throw. */
  async recheck(now: number): Promise<void> {
    if ((this.#recheckAt ?? 0) > now) return;
    this.#recheckAt = undefined;
    if (this.#store.oldest({}, [], 1).length === 0) return;
    try {
      const agent = await findAgent(this.#env, settingsOf(this.#env), this.#context.agentId(), now);
      if (agent === undefined || deliveryOf(agent) === "push") this.#closedAt = now;
    } catch (error) {
      logError("A mailbox could not look its agent up; it tries again", { agent_id: this.#context.agentId() }, error);
      this.#recheckAt = now + MINUTE_MS;
    }
  }

  /** Gives back what was offered until the mailbox was closed, as far as the budget goes. Whether there may be more of it. */
  async giveBack(budget: CallBudget): Promise<boolean> {
    const closedAt = this.#closedAt;
    if (closedAt === undefined) return false;
    const busy = this.#context.busy();
    const offers = this.#store.oldest({}, busy, budget.left).filter(({ offeredAt }) => offeredAt <= closedAt);
    budget.take(offers.length);
    await mapLimit(offers, async (offer) => {
      try {
        await jobObject(this.#env, offer.jobId).releaseRun({ role: "admin" }, offer.runId, "mailbox");
        this.#store.delete(offer);
      } catch (error) {
        this.#context.failed(offer, error);
      }
    });
    // What is busy now may be offered still later: it is looked at once more then.
    if (offers.length === 0 && busy.length === 0) this.#closedAt = undefined;
    return offers.length > 0;
  }
}
