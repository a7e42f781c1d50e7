/** One run that is being worked on: its code, its deadline, its signal, and its control of the job. */
import { compact } from "../domain/compact.ts";
import { type Outcome, replyOf } from "./outcome.ts";
import type { Reported } from "./report.ts";
import { type Control, isObject, type OnRun, type Progress, type Run, type RunCall } from "./run.ts";
import { cancel } from "./wait.ts";

export type Working = {
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
  /** Whether Reveille has ended the run, so that nothing is left to report. */
  readonly isEnded: boolean;
  /** Puts the deadline so many ms from now. */
  renew(ms: number): void;
  /** Aborts the signal, since the run is over for Reveille. */
  end(reason: string): void;
  /** The run's last progress. */
  readonly progress: Progress;
};

/**
 * Begins to work on `call`. `report` sends a progress; it gets each, and its word that the run has ended aborts the
 * signal. `deadlineMs` is how long the run may take from now on.
 */
export function begin(
  call: RunCall,
  onRun: OnRun,
  deadlineMs: number,
  report: (progress: Progress) => Promise<Reported>,
): Working {
  const controller = new AbortController();
  let control: Control = {};
  let progress: Progress = {};
  let isEnded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const renew = (ms: number): void => {
    cancel(timer);
    if (controller.signal.aborted) return;
    timer = setTimeout(() => controller.abort(new DOMException("The run's deadline has passed", "TimeoutError")), ms);
    unref(timer);
  };
  const end = (reason: string): void => {
    isEnded = true;
    controller.abort(new DOMException(reason, "AbortError"));
  };
  renew(deadlineMs);

  const { run: fields, job, message = "", payload = {}, previous, complete } = call.data;
  const run: Run = {
    ...fields,
    job,
    message,
    payload,
    complete,
    ...compact({ previous }),
    signal: controller.signal,
    async progress(given) {
      progress = { ...progress, ...given };
      const { kind } = await report(progress);
      if (kind === "ended") end("Reveille has ended the run");
    },
    control(given) {
      control = { ...control, ...given };
    },
  };
  const outcome = (async (): Promise<Outcome> => {
    // Not before the caller holds what this function returns: the run may report at once.
    await Promise.resolve();
    try {
      const value = await onRun(run, call);
      return value instanceof Response ? { reply: await replyOf(value), control } : { value, control };
    } catch (error) {
      return { failure: { error }, control };
    } finally {
      cancel(timer);
    }
  })();
  return {
    outcome,
    get isEnded() {
      return isEnded;
    },
    get progress() {
      return progress;
    },
    renew,
    end,
  };
}

/** Node's timers keep a process alive; a deadline alone should not. */
function unref(timer: unknown): void {
  if (isObject(timer) && typeof timer.unref === "function") timer.unref();
}
