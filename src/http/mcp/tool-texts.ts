/** The tools of `/mcp`: the name, the route and the description of each. Language models read the descriptions. */
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import type { Caller } from "../../domain/job/access.ts";
import { DurationText } from "../../schema/schedule.ts";
import { briefJobs, type Fields, markOutputs, onlyRun, shareOutputs } from "./trim.ts";

export type ToolSpec = {
  readonly name: string;
  /** Usual names of such a tool, for calls of unknown tools. */
  readonly aliases?: readonly string[];
  /** The description for a language model: when to use the tool, what it answers, an example. */
  readonly description: string;
  /** The `id` of the route. */
  readonly route: string;
  /** The `id` of the route for calls without a job. */
  readonly withoutJob?: string;
  /** `destroys`: something may be lost. `repeatable`: a second call does no more than the first. */
  readonly effect: "reads" | "adds" | "changes" | "destroys";
  readonly repeatable: boolean;
  /** Shortens an answer for a conversation. */
  readonly trim?: (answer: Fields) => Fields;
  /** Takes `idempotency_key` for the header of that name. */
  readonly idempotencyKey?: true;
  /** The values for fields that are left out, in place of the route's own defaults. */
  readonly defaults?: Fields;
  /**
   * Fields that the tool takes but its list does not name. They are seldom sent, and the list is paid for in every
   * conversation.
   */
  readonly unlisted?: readonly string[];
  /** Fields that a model should send although the route does not require them. */
  readonly required?: readonly string[];
  /** The list of tools describes the fields in a few words each, and names those of its objects. */
  readonly words?: true;
  /** The tool's own arguments, and the function that turns them into the route's. */
  readonly own?: { readonly schema: z.ZodObject; readonly toRoute: (args: Fields, caller: Caller) => Fields };
};

/** The tools, in the order in which a model reads them. */
export const SPECS: readonly ToolSpec[] = [
  {
    name: "schedule_job",
    aliases: [
      "create",
      "add",
      "remind",
      "reminder",
      "set_reminder",
      "set_timer",
      "wake_me",
      "cron",
      "create_job",
      "add_job",
      "new_job",
      "schedule",
      "create_schedule",
      "remind_me",
      "create_reminder",
      "add_reminder",
    ],
    description: `Make a job that sends \`message\` to the agent when it fires. Answers with the job; its \`id\` is the job_id of the other tools.
schedule is exactly one kind: {"in": "20m"} or {"at": "2027-01-15T14:30:00+08:00"} (once), {"every": "30m"}, {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"} or {"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0", "timezone": "Europe/Berlin"} (no timezone: UTC), {"manual": true}. Beside the kind, inside schedule: starts_at (every and an rrule's INTERVAL count from it: give it), ends_at, max_runs, jitter ("5m"), exclude (["SAT", "2026-12-24/2027-01-01", "22:00-07:00"]).
Example: {"name": "Report", "message": "Sum up the tickets.", "schedule": {"cron": "0 9 * * MON#1", "timezone": "Europe/Berlin"}}; cron also takes L, LW, FRIL
A loop that you drive: {"in": "20m"} with pacing {"min": "5m", "max": "1d"}; say control.next_in at the end of each run, and at last done.
Read warnings and schedule_description in the answer: they say what will happen. dry_run true stores nothing.
No tool does these; tell the user so. Over HTTP only (see /llms.txt): messages to people about failures (subscriptions), webhooks' trigger tokens, many jobs at once, forecast, users, agents, tokens. Not at all: chains of jobs (let one's agent trigger the next), mail, SMS.`,
    route: "createJob",
    effect: "adds",
    repeatable: false,
    idempotencyKey: true,
    unlisted: ["owner_kind", "plugin_id", "job_key", "runtime_name"],
    required: ["message"],
    words: true,
  },
  {
    name: "list_jobs",
    aliases: ["list", "jobs", "find_jobs", "search_jobs", "list_schedules", "get_jobs", "list_reminders"],
    description: `List jobs in short, newest first; get_job shows one whole. Finished ones only with state "active,paused,finished". q is part of the name, label "team:ops".
Example: {"q": "report", "limit": 20}`,
    route: "listJobs",
    unlisted: ["owner_kind", "exec_scope", "plugin_id"],
    defaults: { limit: 20 },
    effect: "reads",
    repeatable: true,
    trim: briefJobs,
  },
  {
    name: "get_job",
    aliases: ["get", "job", "read_job", "show_job", "describe_job", "job_status"],
    description: `Read one job whole: schedule, message, settings, next_run_at, how its last run ended.`,
    route: "getJob",
    effect: "reads",
    repeatable: true,
  },
  {
    name: "update_job",
    aliases: [
      "update",
      "edit",
      "reschedule",
      "rename_job",
      "edit_job",
      "change_job",
      "modify_job",
      "patch_job",
      "reschedule_job",
    ],
    description: `Change a job: only the fields to change, as in schedule_job; null removes one. Another kind of schedule replaces the one there is.
Example: {"job_id": "…", "schedule": {"every": "2h"}}`,
    route: "updateJob",
    unlisted: ["owner_kind", "exec_scope", "plugin_id", "job_key", "runtime_name"],
    effect: "destroys",
    repeatable: true,
  },
  {
    name: "cancel_job",
    aliases: [
      "delete",
      "cancel",
      "remove",
      "unschedule",
      "delete_job",
      "remove_job",
      "unschedule_job",
      "cancel_schedule",
      "delete_schedule",
    ],
    description: `Delete a job with its runs, for good; pause_job stops it for a while.`,
    route: "deleteJob",
    effect: "destroys",
    repeatable: true,
  },
  {
    name: "pause_job",
    aliases: ["pause", "snooze", "disable_job", "suspend_job", "stop_job", "snooze_job"],
    description: `Keep a job from firing until resume_job, or until \`until\` (a time, or a duration from now; next_run_at plus a second skips one fire). Missed fires are not run later. A pause replaces the one before. The answer says when it resumes (paused_until) and fires then (next_run_after_pause).
Example: {"job_id": "…", "until": "2d"}`,
    route: "pauseJob",
    effect: "changes",
    repeatable: true,
  },
  {
    name: "resume_job",
    aliases: ["resume", "unpause", "enable_job", "unpause_job", "start_job", "activate_job"],
    description: `Let a paused job fire again, from now on.`,
    route: "resumeJob",
    effect: "changes",
    repeatable: true,
  },
  {
    name: "run_job_now",
    aliases: ["run", "execute", "run_job", "execute_job", "run_now", "start_run"],
    description: `Run a job at once, also when paused; its schedule does not move. message and payload replace the job's this once. With wait ("30s", at most 50s) the answer is the run, if it ends in time.
Example: {"job_id": "…", "wait": "30s"}`,
    route: "runJobNow",
    effect: "adds",
    repeatable: false,
    trim: markOutputs,
  },
  {
    name: "trigger_job",
    aliases: ["fire_job", "send_event", "emit_event", "trigger"],
    description: `Fire a job by an event: payload is merged over the job's own for this run; a key runs once in 24 hours. Refused while paused.
Example: {"job_id": "…", "payload": {"order": 17}, "key": "order-17"}`,
    route: "triggerJob",
    unlisted: ["token"],
    effect: "adds",
    repeatable: false,
  },
  {
    name: "list_runs",
    aliases: [
      "runs",
      "history",
      "logs",
      "failed_runs",
      "list_failures",
      "list_events",
      "get_events",
      "get_runs",
      "job_history",
      "run_history",
      "list_executions",
      "get_logs",
    ],
    description: `List a job's runs, newest first: when due, how ended, output or error (long ones cut; see get_run). Without job_id: what failed since a time, over all jobs (with report "all" every run).
Example: {"job_id": "…", "status": "error", "limit": 5}`,
    route: "listRuns",
    withoutJob: "listAllRuns",
    effect: "reads",
    repeatable: true,
    trim: shareOutputs,
  },
  {
    name: "get_run",
    aliases: ["read_run", "show_run", "run_status", "get_output"],
    description: `Read one run with its whole output.`,
    route: "getRun",
    effect: "reads",
    repeatable: true,
    trim: markOutputs,
  },
  {
    name: "cancel_run",
    aliases: ["stop", "stop_run", "abort_run", "kill_run"],
    description: `Stop an active run; its job stays.`,
    route: "cancelRun",
    effect: "changes",
    repeatable: true,
    trim: markOutputs,
  },
  {
    name: "retry_run",
    aliases: ["retry", "rerun", "run_again", "replay_run", "repeat_run"],
    description: `Run an ended run once more.`,
    route: "retryRun",
    effect: "adds",
    repeatable: false,
  },
  {
    name: "wait_for_run",
    aliases: ["claim_run", "poll", "next_run", "wait", "get_next_run", "claim"],
    description: `Take the next run that is offered to you, if your agent has a mailbox (delivery pull); waits up to wait_seconds. Do it as \`message\` says, report_progress within each minute (or lease "10m"), end with complete_run. Nothing offered: call again.
Example: {"wait_seconds": 50}`,
    route: "claimRuns",
    effect: "changes",
    repeatable: false,
    trim: onlyRun,
    own: {
      schema: z.strictObject({
        agent_id: z
          .string()
          .optional()
          .meta({
            aliases: ["agent"],
            description: "The agent whose mailbox it is; an agent's token can leave it out.",
          }),
        wait_seconds: z
          .int()
          .min(0)
          .max(50)
          .default(0)
          .meta({ aliases: ["wait", "timeout", "seconds", "timeout_seconds"], description: "0 to 50" }),
        lease: DurationText.optional().meta({ aliases: ["lease_seconds"], description: "10s to 1h, default 1m" }),
      }),
      toRoute: ({ agent_id, wait_seconds, lease }, caller) =>
        compact({
          agent_id: agent_id ?? ("agent_id" in caller ? caller.agent_id : undefined),
          wait: `${wait_seconds}s`,
          lease,
        }),
    },
  },
  {
    name: "complete_run",
    aliases: ["finish_run", "report_result", "submit_result", "end_run"],
    description: `End a run that you hold (answered with 202, or from wait_for_run); job_id and run_id are data.run.job_id and data.run.id of its call. An error is final: retry_run runs it once more. control steers the job: {"next_in": "2h"} (only with pacing), {"done": true}, {"pause": "why"}, {"unchanged": true}, {"cost_usd": 0.02, "tokens": 1200}.
Example: {"job_id": "…", "run_id": "…", "status": "success", "output": "3 messages need an answer."}`,
    route: "completeRun",
    effect: "changes",
    repeatable: true,
    trim: markOutputs,
  },
  {
    name: "report_progress",
    aliases: ["update_progress", "progress_run", "heartbeat_run", "extend_run"],
    description: `Say how far a run that you hold is (ids as in complete_run); that also renews its deadline.
Example: {"job_id": "…", "run_id": "…", "percent": 40, "message": "Reading the inbox"}`,
    route: "reportProgress",
    effect: "changes",
    repeatable: true,
    trim: markOutputs,
  },
  {
    name: "backfill_job",
    aliases: ["backfill", "catch_up_job", "replay_job"],
    description: `Run the fires that were due in a past window, one after the other; not for at and manual jobs.
Example: {"job_id": "…", "from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00Z"}`,
    route: "backfillJob",
    effect: "adds",
    repeatable: false,
  },
  {
    name: "explain_job",
    aliases: ["why", "explain", "diagnose_job", "debug_job"],
    description: `Tell why a job did or did not run at a time (default now), and when it runs next.
Example: {"job_id": "…", "at": "2026-11-23T09:00:00+01:00"}`,
    route: "explainJob",
    effect: "reads",
    repeatable: true,
    trim: markOutputs,
  },
  {
    name: "preview_schedule",
    aliases: ["preview", "validate_schedule", "test_schedule", "next_fires", "check_cron"],
    description: `Show when a schedule would fire, in UTC and its own zone, and say it in plain English; stores nothing. Use it when unsure of a cron or rrule.
Example: {"schedule": {"cron": "30 2 * * *", "timezone": "America/New_York"}, "count": 3}`,
    route: "previewSchedule",
    effect: "reads",
    repeatable: true,
  },
];

/** The wishes that no tool answers, by words in the names under which models call such tools. */
export const NO_TOOLS: readonly (readonly [words: readonly string[], instead: string])[] = [
  [["skip"], "To skip the next fire call pause_job with until a second after the job's next_run_at"],
  [
    ["subscription", "subscriptions", "subscribe", "notify", "notification", "alert", "slack"],
    "Telling people is over HTTP only: the operator sends PUT /v1/subscriptions/{id}",
  ],
  [
    ["email", "mail", "sms"],
    "Reveille sends no mail and no SMS; the operator may tell a webhook with PUT /v1/subscriptions/{id}",
  ],
  [
    ["forecast", "upcoming"],
    "The forecast is over HTTP only: GET /v1/forecast; next_run_at in list_jobs is each job's next fire",
  ],
  [["webhook", "hook"], "A trigger's URL and token are over HTTP only: POST /v1/jobs/{id}/trigger-token"],
  [
    ["token", "tokens"],
    "Tokens are over HTTP only: a job's trigger token is POST /v1/jobs/{id}/trigger-token, others the operator makes with POST /v1/tokens",
  ],
  [["agent", "agents"], "Agents are registered over HTTP only: PUT /v1/agents/{id}"],
  [["user", "users"], "The roster is over HTTP only: the operator sends PUT /v1/users/{id}"],
  [
    ["bulk", "all", "many"],
    "Many jobs at once are over HTTP only, POST /v1/jobs/bulk; here call the tool for each job that list_jobs shows",
  ],
  [
    ["chain", "dependency", "dependencies", "workflow"],
    "No job waits for another: let the first one's agent call trigger_job",
  ],
  [["stats", "statistics", "metrics"], "Counts are over HTTP only: the operator sends GET /v1/stats"],
  [["heartbeat", "heartbeats"], "Heartbeats are over HTTP only: the operator sends PUT /v1/heartbeats/{name}"],
];
