/** The messages that Reveille sends to agents, chat endpoints and webhooks (docs/contract.md §4, §8 and §18). */
import * as z from "zod";
import { Event, EventType } from "./event.ts";
import { ExecScope, JobDefinition, OwnerKind } from "./job.ts";
import { Run, Trigger } from "./run.ts";

/** `data.run`: times in RFC 3339; `user_id` only where the run has a user. */
export type CalledRun = {
  readonly id: string;
  readonly job_id: string;
  readonly session_id: string;
  readonly user_id?: string;
  readonly trigger: Trigger;
  readonly scheduled_at: string;
  readonly started_at: string;
  readonly attempt: number;
  /** Of a run that was claimed from a mailbox (docs/contract.md §14). */
  readonly offered_at?: string;
  readonly claimed_at?: string;
  readonly lease_expires_at?: string;
};

/** `data.job`: the job without its read-only fields. */
export type CalledJob = JobDefinition & { readonly id: string };

/** `data.previous`, for a job with `continuity`: how its last run, or the user's, ended. */
const PreviousRun = z.strictObject({
  run_id: z.string(),
  status: z.enum(["success", "error"]),
  finished_at: z.string(),
  output: z.string().optional().meta({ description: "The first 8 KiB." }),
  error: z.string().optional(),
});
export type PreviousRun = z.infer<typeof PreviousRun>;

/** Where and with what token the agent reports the end of a run that it has not answered at once. */
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

/** A run that is due, for the agent to do. */
export const JobRunCall = z
  .strictObject({
    type: z.literal("job.run"),
    timestamp: z.string().meta({ description: "When this attempt was made." }),
    data: z.strictObject({
      run: z.strictObject({
        id: z
          .string()
          .meta({ description: "The same for every attempt: what was done under it is not to be done again." }),
        job_id: z.string(),
        session_id: z.string().meta({ description: "The session to work in." }),
        user_id: z.string().optional(),
        trigger: Trigger,
        scheduled_at: z.string().meta({ description: "When it was due." }),
        started_at: z.string(),
        attempt: z.int().meta({ description: "From 1." }),
        offered_at: z.string().optional().meta({ description: "Of a claimed run: since when it lay in the mailbox." }),
        claimed_at: z.string().optional(),
        lease_expires_at: z
          .string()
          .optional()
          .meta({ description: "Of a claimed run: when it is taken for interrupted without progress or completion." }),
      }),
      job: z
        .strictObject({ id: z.string(), ...JobDefinition.shape })
        .meta({ description: "The job without its read-only fields." }),
      message: z.string().optional().meta({ description: "The prompt." }),
      payload: z.record(z.string(), z.unknown()).optional(),
      previous: PreviousRun.optional().meta({
        description:
          "Of a job with continuity: its last run (of this user, in a fan-out) that ended as success or error.",
      }),
      complete: z.strictObject({ url: z.string(), token: z.string() }).meta({
        description: "Where, and with what bearer token, to report the end of a run that is answered with 202.",
      }),
    }),
  })
  .meta({ id: "JobRunCall" });

/** A heartbeat asks the chat endpoint. */
export const ChatCall = z
  .strictObject({
    type: z.literal("chat"),
    data: z.strictObject({ session_id: z.string(), message: z.string(), model: z.string().optional() }),
  })
  .meta({ id: "ChatCall" });

/** A heartbeat had something to say. */
export const NotificationCall = z
  .strictObject({ type: z.literal("notification"), data: z.strictObject({ text: z.string(), source: z.string() }) })
  .meta({ id: "NotificationCall" });

/** A subscription tells a webhook of an event. */
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
