/** The mailbox as a channel. An attempt is an offer, and a claim is a 202 (docs/contract.md §14). */
import type { AttemptOutcome } from "../domain/run/attempt-outcome.ts";
import { isRenewed } from "../domain/run/claim.ts";
import { isActive, type Run } from "../domain/run/run.ts";
import { formatDuration, parseDuration } from "../domain/time/duration.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mailboxObject } from "../objects/mailbox.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import type { JobDefinition } from "../schema/job.ts";
import { DAY_MS } from "../schema/limits.ts";
import type { RunToCall } from "./body.ts";
import type { CallIo } from "./call-io.ts";

/**
 * Offers the run to the agent and never throws. The offer is stored, or its run is claimed, when this resolves. A call that is given
 * up may still store its offer. That offer is withdrawn, since the run has ended or is delivered once more.
 */
export async function offerRun(
  env: Env,
  agentId: string,
  { definition }: { readonly definition: JobDefinition },
  run: RunToCall,
  { now, deadline, confirm }: CallIo,
): Promise<AttemptOutcome> {
  const claimTimeout = parseDuration(definition.claim_timeout);
  const offer = {
    jobId: run.jobId,
    runId: run.id,
    agentId: definition.agent_id,
    userId: definition.user_id,
    expiresAt: now() + (claimTimeout.ok ? claimTimeout.value : DAY_MS),
  };
  const put = async () => mailboxObject(env, agentId).offer(offer, confirm);
  const offering = put();
  const waited = await deadline.wait(offering);
  switch (waited.kind) {
    case "value":
      return { kind: "offered", offeredAt: waited.value.offeredAt, agentId };
    case "failed":
      if (isCallRefusal(waited.error)) return { kind: "postponed" };
      logError("A run could not be offered", { job_id: run.jobId, run_id: run.id }, waited.error);
      return { kind: "retryable", reason: `the mailbox of agent "${agentId}" could not be reached` };
    case "timeout":
    case "aborted": {
      const takeBack = offering.then(({ offeredAt }) =>
        mailboxObject(env, agentId).withdraw({ runId: run.id, offeredAt }),
      );
      unwaited(run.id, takeBack);
      if (waited.kind === "aborted") return { kind: "aborted" };
      return {
        kind: "retryable",
        reason: `timed out after ${formatDuration(deadline.timeoutMs)}: the mailbox has not answered`,
      };
    }
  }
}

/**
 * Tells the mailbox about a change of a run that it did not make itself. The run has ended, or its agent has renewed the
 * lease over HTTP. No caller waits for this. If it gets lost, the old offer is void, since its job confirms no claim any
 * more. A socket with an outdated lease then gets its next run too early at most.
 */
export function followUpOffer(env: Env, run: Run): void {
  const { id, offeredAt, offeredTo, claim } = run;
  if (offeredAt === undefined || offeredTo === undefined || claim?.bySocket === false) return;
  const mailbox = mailboxObject(env, offeredTo);
  if (!isActive(run)) unwaited(id, mailbox.settled({ runId: id, offeredAt }));
  else if (claim !== undefined && isRenewed(run)) unwaited(id, mailbox.renewed(id, claim.leaseEndsAt));
}

/** Tells a mailbox something about a run without waiting for it. */
const unwaited = (runId: string, delivered: Promise<void>): void =>
  void delivered.catch((error: unknown) =>
    logError("A mailbox could not be informed about a run that it had offered", { run_id: runId }, error),
  );

/** Withdraws the offer of a run whose job is deleted. */
export const withdrawOffer = (env: Env, run: Run): void => followUpOffer(env, { ...run, phase: "ended" });
