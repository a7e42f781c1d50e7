/** One run in progress: its code, its deadline, its signal, and its control of the job. */
import { compact } from "../domain/compact.ts";
import { type Outcome, replyOf } from "./outcome.ts";
import type { Reported } from "./report.ts";
import { type Control, isObject, type OnRun, type Progress, type Run, type RunCall } from "./run.ts";
import { cancel } from "./wait.ts";

export type Working = {
  /** The outcome of the work. It never rejects. */
  readonly outcome: Promise<Outcome>;
  /** Whether Reveille has ended the run, so that there is nothing left to report. */
  readonly isEnded: boolean;
  /** Moves the deadline to `ms` from now. */
  renew(ms: number): void;
  /** Aborts the signal, since Reveille has ended the run. */
  end(reason: string): void;
  /** The run's last progress. */
  readonly progress: Progress;
};

/**
 * Begins to work on `call`. `report` sends each progress; if its answer says that the run has ended, the signal is aborted.
 * `deadlineMs` is how long the run may take from now.
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
    // The caller must first hold the return value of this function, since the run may report at once.
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

/** Keeps a timer from holding the process. Node's timers do so, but a deadline alone should not. */
function unref(timer: unknown): void {
  if (isObject(timer) && typeof timer.unref === "function") timer.unref();
}
