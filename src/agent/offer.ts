/** The mailbox as a channel: an attempt is an offer, and a claim is a 202 (docs/contract.md §14). */
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

/** Offers the run to the agent. The offer is stored when this resolves; throws when the mailbox cannot be reached. */
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
 * Tells the mailbox what became of a run without its doing. The run has ended unclaimed or in the hands of a socket,
 * or that socket's agent has renewed its lease over HTTP. Nobody waits for it: an offer that stays is void, since its
 * job confirms no claim any more, and a socket whose room is counted by an old lease gets a run too early at most.
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

/** The job of a run is deleted: its offer goes. */
export const withdrawOffer = (env: Env, run: Run): void => followUpOffer(env, { ...run, phase: "ended" });
