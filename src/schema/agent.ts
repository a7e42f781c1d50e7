/** The shapes of the registered agents (docs/contract.md §6). */
import * as z from "zod";
import { DurationText, InstantText } from "./schedule.ts";

const Headers = z.record(z.string().max(100), z.string().max(4_096));

export const Agent = z
  .strictObject({
    id: z.string(),
    delivery: z.enum(["push", "pull"]).meta({
      description: "push: runs are calls to its URL. pull: it has no address and claims its runs from a mailbox.",
    }),
    url: z.string().optional(),
    connected: z.int().optional().meta({ description: "For an agent that pulls: its open sockets." }),
    waiting: z.int().optional().meta({ description: "For an agent that pulls: its unclaimed runs." }),
    headers: Headers.optional().meta({ description: "Further headers of its calls, their values masked." }),
    body: z.unknown().optional().meta({
      description: "The template that is sent in place of Reveille's own body. Shown to the operator alone.",
    }),
    previous_secret_until: InstantText.optional().meta({
      description: "Until then calls carry a second signature, with the previous secret.",
    }),
    secret: z.string().optional().meta({
      description: "Present only in the answer to the call that generated it. Keep it, since it is not shown again.",
    }),
  })
  .meta({ id: "Agent", description: "An agent that jobs name in agent_id." });
export type Agent = z.infer<typeof Agent>;

export const AgentTest = z.strictObject({
  ok: z.boolean(),
  status: z.int().optional().meta({ description: "What the agent answered." }),
  error: z.string().optional().meta({ description: "Why the call failed, as a run's error would have it." }),
  took: z.string().meta({ description: "A duration." }),
});
export type AgentTest = z.infer<typeof AgentTest>;

/** The input of a PUT. `directory/agents.ts`, which knows the settings, decides whether URL and secret can be used. */
export const AgentInput = z.strictObject({
  delivery: z
    .enum(["push", "pull"])
    .optional()
    .meta({
      aliases: ["mode", "type", "kind", "mailbox"],
      valueAliases: { webhook: "push", http: "push", mailbox: "pull", poll: "pull", true: "pull", false: "push" },
      description:
        "pull: the agent has no address and takes its runs out of a mailbox; it has no url and no secret then.",
    }),
  url: z
    .string()
    .min(1)
    .max(2_048)
    .optional()
    .meta({
      aliases: ["endpoint", "webhook", "webhook_url", "callback_url", "address", "uri"],
      description:
        "Where calls go: https, or http to loopback under npm start. Required unless delivery is pull; left out for an agent that has one, it stays, and so do headers and body.",
      examples: ["https://agent.example.com/hook"],
    }),
  secret: z.string().max(256).optional().meta({
    description:
      "The Standard Webhooks secret that calls are signed with: whsec_ and base64 of 24 to 64 bytes. Left out: the present one stays, and a new agent gets a generated one.",
  }),
  rotate: z
    .boolean()
    .optional()
    .meta({ description: "true: a new secret replaces the present one and is shown once." }),
  overlap: DurationText.optional().meta({
    description: "With rotate: how long calls carry a signature of the old secret as well, 0s to 30d; default 24h.",
  }),
  headers: Headers.nullish().meta({
    aliases: ["header", "http_headers"],
    description:
      "Up to 8 further headers of its calls, authorization among them. A masked value, as GET shows it, stays what it is. Left out in a call with a url: none.",
    examples: [{ authorization: "Bearer TOKEN" }],
  }),
  body: z
    .unknown()
    .optional()
    .meta({
      aliases: ["template", "body_template", "payload_template", "request_body", "payload", "json"],
      description:
        'For an agent that was not made for Reveille: any JSON, sent in place of Reveille\'s own body. Its strings may hold {{message}} {{session_id}} {{run_id}} {{job_id}} {{job_name}} {{user_id}} {{scheduled_at}} {{complete_url}} {{complete_token}}; the string "{{payload}}" becomes the payload itself. Left out in a call with a url: none.',
      examples: [{ message: "{{message}}", sessionKey: "{{session_id}}" }],
    }),
});
