/** The mailbox as a channel. An attempt is an offer, and a claim is a 202 (docs/contract.md §14). */
import type { AttemptOutcome } from "../domain/run/attempt-outcome.ts";
import { isRenewed } from "../domain/run/claim.ts";
import { isActive, type Run } from "../domain/run/run.ts";
import { parseDuration } from "../domain/time/duration.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mailboxObject } from "../objects/mailbox.ts";
import type { JobDefinition } from "../schema/job.ts";
import { DAY_MS } from "../schema/limits.ts";
import type { RunToCall } from "./body.ts";
import type { CallIo } from "./call-io.ts";

/** Offers the run to the agent. The offer is stored when this resolves. Throws if the mailbox cannot be reached. */
export async function offerRun(
  env: Env,
  agentId: string,
  { definition }: { readonly definition: JobDefinition },
  run: RunToCall,
  { now, confirm }: Pick<CallIo, "now" | "confirm">,
): Promise<AttemptOutcome> {
  const claimTimeout = parseDuration(definition.claim_timeout);
  const offer = {
    jobId: run.jobId,
    runId: run.id,
    agentId: definition.agent_id,
    userId: definition.user_id,
    expiresAt: now() + (claimTimeout.ok ? claimTimeout.value : DAY_MS),
  };
  const { offeredAt } = await mailboxObject(env, agentId).offer(offer, confirm);
  return { kind: "offered", offeredAt, agentId };
}

/**
 * Tells the mailbox about a change of a run that it did not make itself. The run has ended, or its agent has renewed the
 * lease over HTTP. No caller waits for this. If it gets lost, the old offer is void, since its job confirms no claim any
 * more. A socket with an outdated lease then gets its next run too early at most.
 */
export function followUpOffer(env: Env, run: Run): void {
  const { id, offeredAt, offeredTo, claim } = run;
  if (offeredAt === undefined || offeredTo === undefined || claim?.bySocket === false) return;
  const tell = (delivered: Promise<void>): void =>
    void delivered.catch((error: unknown) =>
      logError("A mailbox could not be told of a run that it had offered", { run_id: id }, error),
    );
  const mailbox = mailboxObject(env, offeredTo);
  if (!isActive(run)) tell(mailbox.settled({ runId: id, offeredAt }));
  else if (claim !== undefined && isRenewed(run)) tell(mailbox.renewed(id, claim.leaseEndsAt));
}

/** Withdraws the offer of a run whose job is deleted. */
export const withdrawOffer = (env: Env, run: Run): void => followUpOffer(env, { ...run, phase: "ended" });
