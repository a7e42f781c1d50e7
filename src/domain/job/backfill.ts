/** Backfill: past fires that are queued and run one after the other (docs/contract.md §6, §16). Pure. */
import { MAX_BACKFILL_FIRES } from "../../schema/limits.ts";
import type { BackfillBody } from "../../schema/run.ts";
import { type FieldError, invalid, type Outcome } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import type { TickState } from "../run/tick.ts";
import { formatInstant, parseInstant } from "../time/instant.ts";
import type { Schedule } from "../time/schedule.ts";
import { firesOf, type JobRecord } from "./job.ts";
import type { JobChange } from "./job-change.ts";

/** The number of past fires that wait to be run. */
export const waitingBackfills = (record: JobRecord): number =>
  record.backfills.reduce((sum, { due }) => sum + due.length, 0);

/**
 * Queues the fires that were due in a past window, or drops the waiting ones (`cancel`). `count` is the number of fires
 * that this call has queued. Errors: `job_finished`; `validation_failed` for a wrong window, a job without past fires, or
 * too many fires.
 */
export function changeByBackfill(
  state: TickState,
  body: BackfillBody,
  now: number,
): Outcome<JobChange & { readonly count: number }> {
  const { record } = state;
  if (record.finishedAt !== undefined) return err({ kind: "job_finished" });
  const impossible = whyNot(state);
  if (impossible !== undefined) return invalid([{ path: "", message: impossible }]);
  const window = windowOf(body, now);
  if (!window.ok) return invalid(window.error, EXAMPLES);
  if (window.value === "cancel") {
    return ok(record.backfills.length === 0 ? { count: 0 } : { record: { ...record, backfills: [] }, count: 0 });
  }
  return queue(state, window.value);
}

const EXAMPLES =
  'Send {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}, or {"cancel": true} to drop what waits.';

/** Why this kind of job has no past fires to run. */
function whyNot({ job, record }: TickState): string | undefined {
  if (job.definition.exec_scope === "all_users") {
    return `asks for what an all_users job has not: it cannot be backfilled; run it now with POST /v1/jobs/${record.id}/run`;
  }
  if (job.definition.schedule.manual) {
    return `asks for what a manual job has not: it has no fires; run it now with POST /v1/jobs/${record.id}/run`;
  }
  if (job.definition.schedule.at !== undefined) {
    return `asks for what an at job has not: it fires once; run it now with POST /v1/jobs/${record.id}/run`;
  }
  return undefined;
}

type Window = { readonly from: number; readonly to: number };

function windowOf({ from, to, cancel }: BackfillBody, now: number): Result<Window | "cancel", FieldError[]> {
  if (cancel === true) {
    const beside = { path: "cancel", message: "goes alone: leave from and to out" };
    return from === undefined && to === undefined ? ok("cancel") : err([beside]);
  }
  const errors: FieldError[] = [];
  const read = (path: "from" | "to", text: string | undefined): number => {
    const at = text === undefined ? err("is required: RFC 3339 with an offset") : parseInstant(text);
    if (at.ok) return at.value;
    errors.push({ path, message: at.error });
    return 0;
  };
  const window = { from: read("from", from), to: read("to", to) };
  if (errors.length > 0) return err(errors);
  if (window.from > window.to) return err([{ path: "from", message: `must not be after to ("${to}")` }]);
  if (window.to > now) {
    const message = `must not be in the future (it is ${formatInstant(now)}): only past fires can be backfilled`;
    return err([{ path: "to", message }]);
  }
  return ok(window);
}

function queue({ record, job }: TickState, { from, to }: Window): Outcome<JobChange & { readonly count: number }> {
  const anchorAt = anchorBefore(job.schedule, record.anchorAt, from);
  const due = firesOf(job, { ...record, anchorAt }).between(from, to, MAX_BACKFILL_FIRES + 1);
  if (due.length > MAX_BACKFILL_FIRES) {
    return invalid(
      [{ path: "to", message: `the window holds more than ${MAX_BACKFILL_FIRES} fires` }],
      "Backfill it in smaller windows, one after the other.",
    );
  }
  const waiting = waitingBackfills(record);
  if (waiting + due.length > MAX_BACKFILL_FIRES) {
    const message = `${waiting} backfilled fires are still waiting; together they would be more than ${MAX_BACKFILL_FIRES}`;
    return invalid(
      [{ path: "to", message }],
      `Wait until they have run, or drop them with POST /v1/jobs/${record.id}/backfill {"cancel": true}.`,
    );
  }
  if (due.length === 0) return ok({ count: 0 });
  const number = record.backfillCount + 1;
  return ok({
    record: { ...record, backfillCount: number, backfills: [...record.backfills, { number, due }] },
    count: due.length,
  });
}

/** The anchor for fires before the job's creation. The grid of `every` continues into the past in the same phase. */
function anchorBefore({ timing, jitterMs }: Schedule, anchorAt: number, from: number): number {
  const first = from - jitterMs;
  if (timing.kind !== "every" || first > anchorAt) return anchorAt;
  return anchorAt - (Math.ceil((anchorAt - first) / timing.everyMs) + 1) * timing.everyMs;
}
