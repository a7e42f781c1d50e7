/** What each tool of `/mcp` is called, stands for and says of itself. Language models read the descriptions. */
import { briefJobs, type Fields, shareOutputs } from "./trim.ts";

export type ToolSpec = {
  readonly name: string;
  readonly title: string;
  /** For a language model: when to use it, what comes back, an example. */
  readonly description: string;
  /** The `id` of the route. */
  readonly route: string;
  /** `destroys`: something that was there may be gone afterwards. `repeatable`: a second call does no more than the first. */
  readonly effect: "reads" | "adds" | "changes" | "destroys";
  readonly repeatable: boolean;
  /** Makes an answer fit for a conversation. */
  readonly trim?: (answer: Fields) => Fields;
  /** Takes `idempotency_key` for the header of that name. */
  readonly idempotencyKey?: true;
};

/** The tools, in the order in which a model reads them. */
export const SPECS: readonly ToolSpec[] = [
  {
    name: "schedule_job",
    title: "Schedule a job",
    description: `Ask to be woken later: makes a job that sends \`message\` to the agent when it fires. Answers with the job; keep its \`id\`, which the other tools take as job_id. Look at next_run_at to see that it means what you meant.
schedule is exactly one of {"at": "2027-01-15T14:30:00+08:00"} (once; the offset is required), {"every": "30m"} (interval: s, m, h, d, w), {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"} (calendar; without timezone it is UTC).
Example: {"name": "Morning report", "message": "Summarise yesterday's tickets.", "schedule": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}}
With dry_run true nothing is stored, and the next 5 fires are shown.`,
    route: "createJob",
    effect: "adds",
    repeatable: false,
    idempotencyKey: true,
  },
  {
    name: "list_jobs",
    title: "List jobs",
    description: `List the jobs that you may see, newest first, in short; get_job shows one whole. Finished jobs are left out unless state asks for them. Where next_cursor comes back, send it as cursor for the next page.
Examples: {} · {"q": "report"} · {"state": "finished", "limit": 10} · {"label": ["team:ops"]}`,
    route: "listJobs",
    effect: "reads",
    repeatable: true,
    trim: briefJobs,
  },
  {
    name: "get_job",
    title: "Read a job",
    description: `Read one job whole: its schedule, message and settings, when it fires next and how its last run ended.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "getJob",
    effect: "reads",
    repeatable: true,
  },
  {
    name: "update_job",
    title: "Change a job",
    description: `Change a job: give the fields to change, leave out the rest; null removes a field. Answers with the job as it is now. Another kind of schedule replaces the one that was: {"schedule": {"every": "30m"}}.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h", "message": "Summarise the week.", "schedule": {"cron": "0 9 * * 5"}}`,
    route: "updateJob",
    effect: "destroys",
    repeatable: true,
  },
  {
    name: "cancel_job",
    title: "Delete a job",
    description: `Delete a job with its runs, for good; a run that is active is stopped. To stop it only for a while, use pause_job.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "deleteJob",
    effect: "destroys",
    repeatable: true,
  },
  {
    name: "pause_job",
    title: "Pause a job",
    description: `Keep a job from firing until resume_job. What it would have fired meanwhile is not run later.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "pauseJob",
    effect: "changes",
    repeatable: true,
  },
  {
    name: "resume_job",
    title: "Resume a job",
    description: `Let a paused job fire again; its next fire is worked out from now.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "resumeJob",
    effect: "changes",
    repeatable: true,
  },
  {
    name: "run_job_now",
    title: "Run a job now",
    description: `Run a job at once, also when it is paused; its schedule does not move. Refused while a run of it is active. Answers with the run's id at once; list_runs tells how it ended.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "runJobNow",
    effect: "adds",
    repeatable: false,
  },
  {
    name: "list_runs",
    title: "List runs",
    description: `List the runs of a job, newest first: when each was due, how it ended, what the agent answered, or why it failed. Of many runs at once the outputs are cut; with limit 1 the newest comes with its whole output.
Examples: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"} · {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h", "status": "error", "limit": 5}`,
    route: "listRuns",
    effect: "reads",
    repeatable: true,
    trim: shareOutputs,
  },
  {
    name: "explain_job",
    title: "Explain a job",
    description: `Tell why a job did or did not run at a time, and when it runs next. Without at: as of now.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h", "at": "2026-11-23T09:00:00+01:00"}`,
    route: "explainJob",
    effect: "reads",
    repeatable: true,
  },
  {
    name: "preview_schedule",
    title: "Preview a schedule",
    description: `Show when a schedule would fire, in UTC and in its own zone, and say it in plain English; nothing is stored. Use it before schedule_job wherever you are not sure of the cron expression.
Example: {"schedule": {"cron": "30 2 * * *", "timezone": "America/New_York"}, "count": 3}`,
    route: "previewSchedule",
    effect: "reads",
    repeatable: true,
  },
];
