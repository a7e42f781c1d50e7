/** The messages that Reveille sends to agents, chat endpoints and webhooks (docs/contract.md §4, §8 and §18). */
import * as z from "zod";
import { Event, EventType } from "./event.ts";
import { ExecScope, JobDefinition, OwnerKind } from "./job.ts";
import { Run, Trigger } from "./run.ts";

/** `data.run`. Times are RFC 3339. `user_id` is present only if the run has a user. */
export type CalledRun = {
  readonly id: string;
  readonly job_id: string;
  readonly session_id: string;
  readonly user_id?: string;
  readonly trigger: Trigger;
  readonly scheduled_at: string;
  readonly started_at: string;
  readonly attempt: number;
  /** When a run from a mailbox was offered (docs/contract.md §14). */
  readonly offered_at?: string;
  readonly claimed_at?: string;
  readonly lease_expires_at?: string;
};

/** `data.job`: the job without its read-only fields. */
export type CalledJob = JobDefinition & { readonly id: string };

/** `data.previous` of a job with `continuity`: the end of its last run, or of the user's. */
const PreviousRun = z.strictObject({
  run_id: z.string(),
  status: z.enum(["success", "error"]),
  finished_at: z.string(),
  output: z.string().optional().meta({ description: "The first 8 KiB." }),
  error: z.string().optional(),
});
export type PreviousRun = z.infer<typeof PreviousRun>;

/** The address and token for the agent's report of a run's end, if it has not answered at once. */
export type Completion = { readonly url: string; readonly token: string };

/** One attempt of one run, as the agent gets it. */
export type JobRunBody = {
  readonly type: "job.run";
  /** When this attempt was made. */
  readonly timestamp: string;
  readonly data: {
    readonly run: CalledRun;
    readonly job: CalledJob;
    readonly message?: string;
    readonly payload?: Readonly<Record<string, unknown>>;
    readonly previous?: PreviousRun;
    readonly complete: Completion;
  };
};

/** The call for a run that is due. */
export const JobRunCall = z
  .strictObject({
    type: z.literal("job.run"),
    timestamp: z.string().meta({ description: "When this attempt was made." }),
    data: z.strictObject({
      run: z.strictObject({
        id: z.string().meta({ description: "The same for every attempt. Work done under it must not be done again." }),
        job_id: z.string(),
        session_id: z.string().meta({ description: "The session to work in." }),
        user_id: z.string().optional(),
        trigger: Trigger,
        scheduled_at: z.string().meta({ description: "When it was due." }),
        started_at: z.string(),
        attempt: z.int().meta({ description: "From 1." }),
        offered_at: z.string().optional().meta({ description: "For a claimed run: when it was offered." }),
        claimed_at: z.string().optional(),
        lease_expires_at: z.string().optional().meta({
          description: "For a claimed run: when it counts as interrupted, unless there is progress or a completion.",
        }),
      }),
      job: z
        .strictObject({ id: z.string(), ...JobDefinition.shape })
        .meta({ description: "The job without its read-only fields." }),
      message: z.string().optional().meta({ description: "The prompt." }),
      payload: z.record(z.string(), z.unknown()).optional(),
      previous: PreviousRun.optional().meta({
        description:
          "For a job with continuity: its last run (of this user, in a fan-out) that ended as success or error.",
      }),
      complete: z.strictObject({ url: z.string(), token: z.string() }).meta({
        description: "The address and bearer token for reporting the end of a run that is answered with 202.",
      }),
    }),
  })
  .meta({ id: "JobRunCall" });

/** A heartbeat's question to the chat endpoint. */
export const ChatCall = z
  .strictObject({
    type: z.literal("chat"),
    data: z.strictObject({ session_id: z.string(), message: z.string(), model: z.string().optional() }),
  })
  .meta({ id: "ChatCall" });

/** A heartbeat's notification. */
export const NotificationCall = z
  .strictObject({ type: z.literal("notification"), data: z.strictObject({ text: z.string(), source: z.string() }) })
  .meta({ id: "NotificationCall" });

/** A subscription's report of an event to a webhook. */
export const EventCall = z
  .strictObject({
    type: EventType,
    timestamp: z.string().meta({ description: "When it happened." }),
    data: z.strictObject({
      event: Event.omit({ run: true }),
      job: z
        .strictObject({
          id: z.string(),
          name: z.string(),
          owner_kind: OwnerKind,
          exec_scope: ExecScope,
          agent_id: z.string().optional(),
          user_id: z.string().optional(),
          plugin_id: z.string().optional(),
          labels: z.record(z.string(), z.string()),
        })
        .optional()
        .meta({ description: "The job, in short." }),
      run: Run.optional(),
      count: z.int().meta({ description: "Failures of the job in a row, 1 for any other event." }),
    }),
  })
  .meta({ id: "EventCall" });
