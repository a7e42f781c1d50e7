/** The mailbox as a channel: an attempt is an offer, and a claim is a 202 (docs/contract.md §14). */
import type { Answer } from "../domain/run/attempt-outcome.ts";
import type { Run } from "../domain/run/run.ts";
import { parseDuration } from "../domain/time/duration.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mailboxObject } from "../objects/mailbox.ts";
import type { JobDefinition } from "../schema/job.ts";
import { DAY_MS } from "../schema/limits.ts";
import type { RunToCall } from "./body.ts";

/** Offers the run to the agent. The offer is stored when this resolves; throws when the mailbox cannot be reached. */
export async function offerRun(
  env: Env,
  agentId: string,
  { definition }: { readonly definition: JobDefinition },
  run: RunToCall,
  now: number,
): Promise<Answer> {
  const claimTimeout = parseDuration(definition.claim_timeout);
  const { offeredAt } = await mailboxObject(env, agentId).offer({
    jobId: run.jobId,
    runId: run.id,
    agentId: definition.agent_id,
    userId: definition.user_id,
    expiresAt: now + (claimTimeout.ok ? claimTimeout.value : DAY_MS),
  });
  return { kind: "offered", offeredAt, agentId };
}

/**
 * Tells the mailbox that a run needs it no more: one that ended unclaimed, or in the hands of a socket. Nobody waits for it: an
 * offer that stays is void, since its job confirms no claim any more.
 */
export function withdrawOffer(env: Env, { id, offeredAt, offeredTo, claim }: Run): void {
  if (offeredAt === undefined || offeredTo === undefined || claim?.bySocket === false) return;
  mailboxObject(env, offeredTo)
    .settled({ runId: id, offeredAt })
    .catch((error: unknown) => logError("A mailbox could not be told that a run has ended", { run_id: id }, error));
}
