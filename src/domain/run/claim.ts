/**
 * A run as its agent claims it out of a mailbox (docs/contract.md §14). A lease holds the claim, and each progress renews
 * it. A lease that runs out is an interrupted attempt (`settleOverdue` in run.ts).
 */
import { invalid } from "../failure.ts";
import { type Claim, type Run, type RunRules, unclaimed } from "./run.ts";

/** The terms on which an agent claims a run out of its mailbox. `offeredAt` is when it was offered there (epoch ms). */
export type Lease = {
  readonly ms: number;
  readonly bySocket: boolean;
  readonly agentId: string;
  readonly offeredAt: number;
};

/**
 * Whether the agent may claim the run: it is offered to that one, or its offer is being made. `calledId` is the agent to which the
 * run's calls go now, so an offer left behind in another mailbox opens nothing.
 */
export const isClaimable = ({ phase, offeredTo }: Run, agentId: string, calledId: string | undefined): boolean =>
  phase === "calling" ? agentId === calledId : phase === "offered" && offeredTo === agentId;

/** The run after an agent has taken it out of its mailbox. From then on it is as after a 202, but held by a lease. */
export function claimRun(run: Run, lease: Lease, rules: RunRules, now: number): Run {
  const completeBy = now + rules.completionTimeoutMs;
  const leaseEndsAt = now + lease.ms;
  const claim: Claim = { at: now, leaseMs: lease.ms, leaseEndsAt, completeBy, bySocket: lease.bySocket };
  // The claim may come before the answer of the offer itself.
  const { error: _error, offeredAt = Math.min(lease.offeredAt, now), ...rest } = run;
  const wakeAt = Math.min(leaseEndsAt, completeBy);
  return { ...rest, phase: "waiting", offeredAt, offeredTo: lease.agentId, claim, wakeAt };
}

const isClaimed = ({ phase, claim }: Run): boolean => phase === "waiting" && claim !== undefined;

/** Whether progress has renewed the lease since the claim. */
export const isRenewed = ({ phase, claim }: Run): boolean =>
  phase === "waiting" && claim !== undefined && claim.leaseEndsAt - claim.leaseMs > claim.at;

/**
 * Whether the agent that has claimed the run, or its mailbox, can give it back. `claimedAt` is the claim to give up (epoch
 * ms), if known. An agent whose lease has run out must not take the run from a later claimant.
 */
export const isReleasable = (run: Run, by: "agent" | "mailbox", claimedAt = run.claim?.at): boolean =>
  by === "agent" ? isClaimed(run) && run.claim?.at === claimedAt : run.phase === "offered";

/** The failure of a release of a run that the agent does not hold. */
export const notClaimed = invalid(
  [
    {
      path: "run_id",
      message:
        "is not claimed, or by another by now: only the agent that holds a run out of a mailbox can give it back",
    },
  ],
  "Complete the run, or leave it: its lease has run out, or it was never claimed.",
);

/** The run after the agent has given it back. It is offered again at once, which does not count as an attempt. */
export const releaseRun = (run: Run, now: number): Run => ({ ...unclaimed(run), phase: "pending", wakeAt: now });
