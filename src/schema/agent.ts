/** The shapes of the registered agents (CONTRACT.md §6). */
import * as z from "zod";

export const Agent = z
  .strictObject({
    id: z.string(),
    delivery: z.enum(["push", "pull"]).meta({
      description: "push: runs are calls to its URL. pull: it has no address, and claims its runs out of a mailbox.",
    }),
    url: z.string().optional(),
    connected: z.int().optional().meta({ description: "Of an agent that pulls: its open sockets." }),
    waiting: z.int().optional().meta({ description: "Of an agent that pulls: runs offered and not claimed yet." }),
    secret: z
      .string()
      .optional()
      .meta({ description: "Only in the answer to the call that had it made; keep it, it is not shown again." }),
  })
  .meta({ id: "Agent", description: "An agent that jobs name in agent_id." });
export type Agent = z.infer<typeof Agent>;

/** Whether URL and secret can be used is decided by `directory/agents.ts`, which knows the settings. */
export const AgentInput = z.strictObject({
  delivery: z.enum(["push", "pull"]).optional().meta({
    description:
      "pull: the agent has no address and takes its runs out of a mailbox; it has no url and no secret then.",
  }),
  url: z
    .string()
    .min(1)
    .max(2_048)
    .optional()
    .meta({
      description: "Where calls go: https, or http to loopback under npm start. Required unless delivery is pull.",
      examples: ["https://agent.example.com/hook"],
    }),
  secret: z.string().max(256).optional().meta({
    description:
      "The Standard Webhooks secret that calls are signed with: whsec_ and base64 of 24 to 64 bytes. Left out: the one there is stays, and a new agent gets one made.",
  }),
  rotate: z
    .boolean()
    .optional()
    .meta({ description: "true: a new secret is made in place of the one there is, and shown this once." }),
});
