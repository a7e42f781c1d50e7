/** The shapes of an agent's mailbox (docs/contract.md §14): the claim over HTTP, and the frames of its WebSocket. */
import * as z from "zod";
import { JobRunCall } from "./agent-call.ts";
import { MAX_CLAIM_RUNS, MAX_SOCKET_RUNS } from "./limits.ts";
import { CompleteBody, Progress } from "./run.ts";
import { DurationText } from "./schedule.ts";

const lease = DurationText.optional().meta({
  aliases: ["visibility_timeout", "lease_seconds", "lease_duration", "hold"],
  description:
    "How long a claimed run is held without progress before it counts as interrupted and is offered again, 10s to 1h; default 1m.",
  examples: ["2m"],
});

export const ClaimBody = z
  .strictObject({
    wait: DurationText.optional().meta({
      aliases: ["timeout", "wait_seconds", "max_wait", "wait_for", "poll_timeout"],
      description: "How long to wait for a run when none is offered, 0s to 50s; default 0s.",
      examples: ["30s"],
    }),
    limit: z
      .int()
      .min(1)
      .max(MAX_CLAIM_RUNS)
      .default(1)
      .meta({
        aliases: ["max", "count", "max_runs", "capacity", "batch_size", "size"],
        description: "How many runs to take at most.",
      }),
    lease,
  })
  .meta({ examples: [{ wait: "30s" }] });
export type ClaimBody = z.output<typeof ClaimBody>;

export const Claimed = z.strictObject({
  items: z.array(JobRunCall).meta({ description: "The claimed runs, oldest first; none when `wait` is over." }),
});

/** The subprotocol of the socket. A browser sends its token as a second one. */
export const SUBPROTOCOL = "reveille.v1";
export const TOKEN_PROTOCOL_PREFIX = "bearer.";

const which = { job_id: z.string().min(1).max(64), run_id: z.string().min(1).max(200) };

/** The frames of an agent's socket. Each is one JSON object, distinguished by `type`. */
export const AgentFrame = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready"), capacity: z.int().min(1).max(MAX_SOCKET_RUNS), lease }),
  z.strictObject({ type: z.literal("drain") }),
  z.strictObject({ type: z.literal("progress"), ...which, ...Progress.shape }),
  z.strictObject({ type: z.literal("complete"), ...which, ...CompleteBody.shape }),
  z.strictObject({ type: z.literal("release"), ...which }),
]);
export type AgentFrame = z.output<typeof AgentFrame>;
