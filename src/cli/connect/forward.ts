/**
 * Does a run by posting it to an address that only this machine reaches. The call is the same as Reveille's
 * (docs/contract.md §4).
 */
import type { Run, RunCall } from "../../agent-kit/run.ts";
import { parseDuration } from "../../domain/time/duration.ts";
import { signedHeaders } from "../../outbound/signature.ts";

const DEFAULT_TIMEOUT_MS = 300_000;
const ACCEPTED = 202;

/**
 * The agent's answer. Throws if there is none within the job's `timeout`. After a 202 the agent reports by itself. Then
 * this keeps the run's lease until Reveille has ended the run.
 */
export async function forward(url: string, secret: string, run: Run, call: RunCall): Promise<Response> {
  const body = JSON.stringify(call);
  const timestampSeconds = Math.floor(Date.now() / 1_000);
  const signed = await signedHeaders({ secret, id: run.id, timestampSeconds, body });
  if (!signed.ok) throw new Error(signed.error);
  const response = await fetch(url, {
    method: "POST",
    headers: { ...signed.value, "content-type": "application/json", "reveille-session-id": run.session_id },
    body,
    redirect: "manual",
    signal: AbortSignal.any([run.signal, AbortSignal.timeout(timeoutOf(run))]),
  });
  if (response.status === ACCEPTED) await aborted(run.signal);
  return response;
}

function timeoutOf({ job }: Run): number {
  const read = typeof job.timeout === "string" ? parseDuration(job.timeout) : undefined;
  return read?.ok === true && read.value > 0 ? read.value : DEFAULT_TIMEOUT_MS;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
