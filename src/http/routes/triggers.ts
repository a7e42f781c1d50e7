/**
 * `/v1/jobs/{id}/trigger` and `/v1/hooks/{id}`: events from outside, and the token that admits them (docs/contract.md §19).
 */
import * as z from "zod";
import { makeTriggerToken } from "../../agent/trigger-token.ts";
import { askJob, findJob } from "../../directory/find-job.ts";
import { subjectOf } from "../../domain/audit.ts";
import type { Caller } from "../../domain/job/access.ts";
import { err } from "../../domain/result.ts";
import { parsePayload } from "../../domain/text/exact-json.ts";
import type { Env } from "../../env.ts";
import type { TriggerRequest } from "../../objects/job.ts";
import { MAX_PAYLOAD_BYTES } from "../../schema/limits.ts";
import { refuseLossyNumbers } from "../../schema/payload.ts";
import { TriggerBody, Triggered, TriggerKey } from "../../schema/run.ts";
import { HOW_TO_SEND_A_TRIGGER_TOKEN } from "../auth.ts";
import { parseJson } from "../input.ts";
import { type Arrival, admitFailure } from "../rate-limit.ts";
import { reply, route } from "../route.ts";

const tag = "Triggers";
const errors = ["not_found", "job_paused", "job_finished", "budget_exceeded"] as const;
const answers = {
  202: { description: "The result of the event.", schema: Triggered },
  200: {
    description: "An event with this key came within the last 24 hours; this is its answer.",
    schema: Triggered,
  },
};
/** The query. Authentication reads the token. */
const TokenQuery = z.strictObject({
  token: z.string().optional().meta({ description: "The job's trigger token, for a sender that cannot set headers." }),
});

type TriggerCall = Arrival & { readonly env: Env; readonly caller: Caller; readonly request: Request };

/**
 * Triggers a job. A caller whose token is not the job's gets the answer for an invalid token, which does not say whether
 * the job exists.
 */
async function trigger(call: TriggerCall, id: string, event: TriggerRequest) {
  const { env, caller } = call;
  const found = await findJob(env, id);
  if (!found.ok) return caller.role === "trigger" ? refuseToken(call) : found;
  const done = await found.value.trigger(caller, event);
  if (!done.ok) return done;
  if (done.value.kind === "denied") return refuseToken(call);
  const { answer, repeated } = done.value;
  return repeated ? reply(200, answer) : reply(202, answer);
}

/** Refuses an ended token, which counts as a failed authentication. */
async function refuseToken(call: TriggerCall) {
  const admitted = await admitFailure(call.request, call);
  return admitted.ok ? err(NOT_VALID) : admitted;
}

const NOT_VALID = {
  kind: "unauthorized",
  detail: "Invalid or expired trigger token.",
  hint: HOW_TO_SEND_A_TRIGGER_TOKEN,
} as const;

const triggerJob = route({
  method: "post",
  path: "/v1/jobs/:id/trigger",
  access: "trigger",
  id: "triggerJob",
  tag,
  summary: "Trigger a job by an event",
  description:
    "Fires the job from outside. The run has trigger `event` and obeys overlap and budget. `payload` is merged over the job's own. Use a token that may change the job, or the job's trigger token.",
  query: TokenQuery,
  body: { schema: TriggerBody, optional: true },
  answers,
  errors,
  handle: ({ params, body, ...call }) => trigger(call, params.id, body),
});

const Key = z.object({ "idempotency-key": TriggerKey.optional() });

const hook = route({
  method: "post",
  path: "/v1/hooks/:id",
  access: "trigger",
  id: "postHook",
  tag,
  summary: "Receive a webhook for a job",
  description:
    "This is the url that comes with a trigger token. Any JSON up to 64 KiB becomes the field `event` of the run's payload. Send the token as bearer or in `?token=`.",
  query: TokenQuery,
  headers: Key,
  body: {
    schema: z.unknown().superRefine((event, context) => refuseLossyNumbers(event, context)),
    shown: z.unknown().meta({ description: "Any JSON." }),
    maxBytes: MAX_PAYLOAD_BYTES,
    read: (bytes) => parseJson(bytes, parsePayload),
  },
  answers,
  errors,
  handle: ({ params, body, headers, ...call }) =>
    trigger(call, params.id, { posted: { event: body }, key: headers["idempotency-key"] }),
});

const makeToken = route({
  method: "post",
  path: "/v1/jobs/:id/trigger-token",
  access: "write",
  id: "makeTriggerToken",
  tag,
  summary: "Create a job's trigger token",
  description:
    "The token is shown once and replaces the previous one. Give it, with the url, to the service that triggers the job.",
  answers: {
    201: {
      description: "The token, and the url to post to.",
      schema: z.strictObject({ url: z.string(), token: z.string() }),
    },
  },
  errors: ["not_found"],
  async handle({ env, settings, caller, params, url }) {
    const found = await findJob(env, params.id);
    if (!found.ok) return found;
    const { token, hash } = await makeTriggerToken(env, params.id, subjectOf(caller));
    const set = await found.value.setTriggerToken(caller, hash);
    if (!set.ok) return set;
    const origin = (settings.PUBLIC_URL ?? url.origin).replace(/\/+$/, "");
    return reply(201, { url: `${origin}/v1/hooks/${params.id}`, token });
  },
});

const endToken = route({
  method: "delete",
  path: "/v1/jobs/:id/trigger-token",
  access: "write",
  id: "endTriggerToken",
  tag,
  summary: "End a job's trigger token",
  answers: { 204: { description: "The job has no trigger token." } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    const set = await askJob(env, params.id, (job) => job.setTriggerToken(caller));
    return set.ok ? reply(204) : set;
  },
});

export const triggerRoutes = [triggerJob, hook, makeToken, endToken] as const;
