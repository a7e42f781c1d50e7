/** The calls that Reveille makes, for the API's description. OpenAPI calls them webhooks. */
import type * as z from "zod";
import { ChatCall, EventCall, JobRunCall, NotificationCall } from "../schema/agent-call.ts";

type Webhook = {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly body: z.ZodType;
  /** The meaning of each answer. */
  readonly answers: Readonly<Record<string, string>>;
};

const SIGNED =
  "Signed as Standard Webhooks 1.0: verify webhook-id, webhook-timestamp and webhook-signature with the receiver's own secret before anything else (the agent's, CHAT_SECRET, a webhook's).";

export const WEBHOOKS: readonly Webhook[] = [
  {
    name: "job.run",
    summary: "A job fires",
    description: `POST to the agent's URL. ${SIGNED} The webhook-id is the run's id, the same for every attempt.`,
    body: JobRunCall,
    answers: {
      "2XX": "The run has succeeded; a text or JSON body is kept as its output, the first 16 KiB.",
      "202": "The agent continues and reports to data.complete before completion_timeout.",
      "408": "Tried again, by the job's retry.",
      "410": "The run fails, and the job is paused.",
      "429": "Tried again, after Retry-After if it is given.",
      "4XX": "The run fails at once.",
      "5XX": "Tried again, by the job's retry.",
    },
  },
  {
    name: "chat",
    summary: "A heartbeat asks",
    description: `POST to CHAT_URL, by default the agent's URL. ${SIGNED}`,
    body: ChatCall,
    answers: {
      "200":
        'JSON `{"text": "…", "tool_use"?: …}`, or an SSE or NDJSON stream of `{"text"}`, `{"tool_use"}` and `{"error"}` events.',
    },
  },
  {
    name: "notification",
    summary: "A heartbeat has something to say",
    description: `POST to a webhook notifier, by default NOTIFY_URL. ${SIGNED}`,
    body: NotificationCall,
    answers: { "2XX": "Taken." },
  },
  {
    name: "event",
    summary: "A subscription reports an event",
    description: `POST to a webhook target of a subscription; \`type\` is the event's. ${SIGNED} The webhook-id is the event's id, the same at each attempt.`,
    body: EventCall,
    answers: {
      "2XX": "Delivered.",
      "4XX": "Tried again with backoff, for 24 hours.",
      "5XX": "Tried again with backoff, for 24 hours.",
    },
  },
];

export const SIGNATURE_HEADERS: Readonly<Record<string, string>> = {
  "webhook-id": "The run's or the event's id. It is the same for repeats of one call.",
  "webhook-timestamp": "Seconds since 1970; refuse a time more than 5 minutes off.",
  "webhook-signature":
    "`v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`; several are separated by spaces.",
};
