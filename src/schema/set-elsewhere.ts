/** The names that other schedulers have for what another call or field does here, with that call or field. */
import { CHAINS, ONCE } from "./schedule.ts";

const TOLD =
  'Whom to tell is a subscription, which the operator makes: PUT /v1/subscriptions/{id} {"events": ["run.failed", "run.recovered"], "to": [{"type": "slack", "url": "https://hooks.slack.com/..."}]}; no mail and no SMS';
const TOLD_ELSEWHERE = `is not a field here. ${TOLD}`;
const ADDRESS_ELSEWHERE =
  'is not a field here: an address belongs to an agent, which the operator registers, PUT /v1/agents/{id} {"url": {value}}; name it here as "agent_id"';
const OVERLAP_OR_BOUND =
  'is not a field here: what becomes of a fire while a run is active says "overlap": "skip" (the default), "buffer_one", "cancel_other" or "allow_all"; of an all_users job "fan_out": {"concurrency": 50} bounds the calls';
const BOUND_OR_OVERLAP =
  'is not a field here: of an all_users job "fan_out": {"concurrency": {value}} bounds the calls; of others "overlap" says what becomes of a fire while a run is active: "skip" (the default), "buffer_one", "cancel_other" or "allow_all"';

/** The fields that another call sets, each with the text of the error. */
export const SET_ELSEWHERE: Readonly<Record<string, string>> = {
  ...CHAINS,
  ...ONCE,
  ...Object.fromEntries(
    ["notify", "notifications", "alerts", "alert", "on_error", "webhook", "webhooks", "slack", "email", "sms"].map(
      (name) => [name, TOLD_ELSEWHERE],
    ),
  ),
  ...Object.fromEntries(
    ["url", "webhook_url", "callback_url", "endpoint", "target_url"].map((name) => [name, ADDRESS_ELSEWHERE]),
  ),
  ...Object.fromEntries(
    ["max_instances", "allow_concurrent", "allow_overlap", "singleton"].map((name) => [name, OVERLAP_OR_BOUND]),
  ),
  ...Object.fromEntries(["concurrency", "max_concurrency", "max_concurrent"].map((name) => [name, BOUND_OR_OVERLAP])),
  on_failure: `is not a field here: to try again write "retry": {"max_attempts": 3}. ${TOLD}`,
  users:
    'is not a field here: write "exec_scope": "all_users" for every active user of the roster (PUT /v1/users/{id}), or make a job with a "user_id" for each',
  coalesce:
    'is not a field here: fires missed in a downtime become one run always; "catchup_window" says how old the last of them may be',
  paused_until: 'is read-only: to pause the job until then send POST /v1/jobs/{id}/pause {"until": {value}}',
  paused_reason: 'is read-only: send it when you pause the job: POST /v1/jobs/{id}/pause {"reason": {value}}',
  state:
    'is read-only: write "enabled": false to pause the job and "enabled": true to resume it; it finishes by itself, and DELETE removes it',
};
