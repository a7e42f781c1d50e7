/** An event as the directory gets it: with its job, its run, and a sentence for people. */
import type { EventType } from "../../schema/event.ts";
import type { Run as RunView } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import { type IndexEntry, indexEntryOf } from "../job/index-entry.ts";
import type { JobRecord } from "../job/job.ts";
import type { Run } from "../run/run.ts";
import { runView } from "../run/run-view.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import type { OwedEvent } from "./owed.ts";

/** `job` is the job when the event was sent. `hidden`: nobody sees the event, but its run is in the list of runs. */
export type ReportedEvent = {
  readonly id: string;
  readonly type: EventType;
  /** Epoch ms. */
  readonly at: number;
  readonly message: string;
  readonly hidden?: true | undefined;
  readonly count?: number | undefined;
  readonly job?: IndexEntry | undefined;
  readonly run?: RunView | undefined;
};

/** A job's report to the directory: its events, and since when it is failing. */
export type JobReport = {
  readonly entry: IndexEntry;
  readonly failing: boolean;
  readonly events: readonly ReportedEvent[];
};

const MAX_REASON_BYTES = 300;

export function reportOf(
  record: JobRecord,
  owed: OwedEvent,
  found: { readonly run?: Run | undefined; readonly fanOut?: FanOut | undefined },
): ReportedEvent {
  const { id, type, at, hidden, count } = owed;
  const run = found.run === undefined ? undefined : runView(record.id, found.run);
  const message = sentence(record.definition.name, owed, found);
  return compact({ id, type, at, hidden, count, message, job: indexEntryOf(record), run });
}

/**
 * A user's failed run of a fan-out, for the list of runs. The event itself is the fan-out's. `at` is used if the run has no
 * end.
 */
export function failedUserRun(record: JobRecord, run: RunView, at: number): ReportedEvent {
  const ended = run.finished_at === undefined ? at : Date.parse(run.finished_at);
  const message = `"${record.definition.name}" failed for a user: ${oneLine(run.error ?? "unknown")}`;
  return {
    id: `${run.id}_failed`,
    type: "run.failed",
    at: ended,
    hidden: true,
    message,
    job: indexEntryOf(record),
    run,
  };
}

/** The event for a job that the sweep found overdue since `dueAt` (epoch ms). Undefined if the job reports nothing. */
export function overdueReport(record: JobRecord, dueAt: number): ReportedEvent | undefined {
  if (record.definition.report === "none") return undefined;
  const owed: OwedEvent = { id: `${record.id}_overdue_${dueAt}`, type: "job.overdue", at: dueAt };
  return reportOf(record, owed, {});
}

function sentence(
  name: string,
  { type, count = 1, reason, runId }: OwedEvent,
  { run, fanOut }: { readonly run?: Run | undefined; readonly fanOut?: FanOut | undefined },
): string {
  const job = `"${name}"`;
  const error = oneLine(run?.error ?? fanOut?.error ?? reason ?? "unknown");
  switch (type) {
    case "run.failed":
      return `${job} failed${count > 1 ? ` for the ${ordinal(count)} time in a row` : ""}: ${error}`;
    case "run.recovered":
      return `${job} works again.`;
    case "run.succeeded":
      return `A run of ${job} succeeded.`;
    case "run.skipped":
      return `A fire of ${job} was skipped: ${error.replace(/^skipped: /, "")}`;
    case "job.paused":
      return `${job} was paused: ${error}`;
    case "budget.reached":
      return `A budget of ${job} is used up: ${error}`;
    case "fan_out.failed": {
      const { failed = 0, total = 0 } = fanOut?.counts ?? {};
      return fanOut?.error === undefined
        ? `A fan-out of ${job} ended with ${failed} of ${total} users failed.`
        : `A fan-out of ${job} failed: ${error}`;
    }
    case "job.overdue":
      return `${job} is overdue: a due time has passed and nothing had answered it.`;
    case "heartbeat.failed":
    case "tick.late":
      return `${job}: ${error} (${runId ?? type})`;
  }
}

const oneLine = (text: string): string => cutUtf8(text.replace(/[\s\p{Cc}]+/gu, " ").trim(), MAX_REASON_BYTES).text;

function ordinal(n: number): string {
  const rest = n % 100;
  const suffix = rest >= 11 && rest <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${suffix}`;
}
