/**
 * A run as its agent claims it out of a mailbox (docs/contract.md §14). A lease holds the claim: each progress renews it, and a
 * lease that runs out is an interrupted attempt (`settleOverdue` in run.ts).
 */
import { invalid } from "../failure.ts";
import { type Claim, type Run, type RunRules, unclaimed } from "./run.ts";

/** The terms on which an agent claims a run out of its mailbox. */
export type Lease = { readonly ms: number; readonly bySocket: boolean; readonly agentId: string };

/** Whether the agent may claim the run. It is offered to that one, or its offer is being made. */
export const isClaimable = ({ phase, offeredTo }: Run, agentId: string): boolean =>
  phase === "calling" || (phase === "offered" && offeredTo === agentId);

/** An agent takes the run out of its mailbox. From now on it is as after a 202, and held by a lease. */
export function claimRun(run: Run, lease: Lease, rules: RunRules, now: number): Run {
  const completeBy = now + rules.completionTimeoutMs;
  const leaseEndsAt = now + lease.ms;
  const claim: Claim = { at: now, leaseMs: lease.ms, leaseEndsAt, completeBy, bySocket: lease.bySocket };
  // The offer may be claimed before its own answer has come back.
  const { error: _error, offeredAt = now, ...rest } = run;
  const wakeAt = Math.min(leaseEndsAt, completeBy);
  return { ...rest, phase: "waiting", offeredAt, offeredTo: lease.agentId, claim, wakeAt };
}

const isClaimed = ({ phase, claim }: Run): boolean => phase === "waiting" && claim !== undefined;

/** Whether progress has renewed the lease since the claim. */
export const isRenewed = ({ phase, claim }: Run): boolean =>
  phase === "waiting" && claim !== undefined && claim.leaseEndsAt - claim.leaseMs > claim.at;

/**
 * Whether the run can be given back, by the agent that has claimed it or by its mailbox. `claimedAt` is the claim that is given up
 * (epoch ms), where it is known. An agent whose lease has run out takes the run from nobody who has claimed it since.
 */
export const isReleasable = (run: Run, by: "agent" | "mailbox", claimedAt = run.claim?.at): boolean =>
  by === "agent" ? isClaimed(run) && run.claim?.at === claimedAt : run.phase === "offered";

/** The failure of a release of a run that no agent has claimed. */
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

/** The agent gives the run back: it is offered again at once, which is no further attempt. */
export const releaseRun = (run: Run, now: number): Run => ({ ...unclaimed(run), phase: "pending", wakeAt: now });
