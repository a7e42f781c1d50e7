/** The call of a run as shell commands with a new signature, for trying an agent (docs/contract.md §4). Pure. */
import type { Job } from "../../../../src/schema/job.ts";
import type { Run } from "../../../../src/schema/run.ts";

/** The fields of a run that its call carries. */
const CALLED = ["id", "job_id", "session_id", "user_id", "trigger", "scheduled_at", "started_at", "attempt"] as const;

/**
 * Commands that post the run's call to AGENT_URL, signed with AGENT_SECRET. Both are variables, so no secret is copied.
 * `definition` is the job without its read-only fields. The run's own message and payload, and its token, are not known
 * here.
 */
export function callAsCurl(definition: Readonly<Record<string, unknown>>, job: Job, run: Run): string {
  const called = Object.fromEntries(CALLED.flatMap((field) => (run[field] === undefined ? [] : [[field, run[field]]])));
  const { message, payload } = job;
  const data = { run: called, job: { id: job.id, ...definition }, message, payload };
  const body = JSON.stringify({ type: "job.run", timestamp: run.started_at, data });
  return `# AGENT_URL and AGENT_SECRET (whsec_…) are those of the agent that is to be called.
BODY='${body.replaceAll("'", "'\\''")}'
NOW=$(date +%s)
KEY=$(printf %s "\${AGENT_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')
SIGNATURE=$(printf %s "${run.id}.$NOW.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | openssl base64 -A)
curl -sS "$AGENT_URL" -H 'content-type: application/json' -H 'reveille-session-id: ${run.session_id}' \\
  -H 'webhook-id: ${run.id}' -H "webhook-timestamp: $NOW" -H "webhook-signature: v1,$SIGNATURE" \\
  --data-binary "$BODY"`;
}
