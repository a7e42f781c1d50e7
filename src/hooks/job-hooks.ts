/**
 * Hooks in code for a job that fires (docs/contract.md §10): a handler in place of the agent, and listeners.
 * Registered at module level, as in Go's `init()`: the same module is loaded wherever jobs run.
 */
import type { CalledJob, CalledRun } from "../schema/agent-call.ts";

/** The input of a handler: the job, the run, and the session that the run belongs to. */
export type JobCall = {
  readonly job: CalledJob;
  readonly run: CalledRun;
  readonly sessionId: string;
  /** Aborted when the job's `timeout` has passed, or the run was cancelled. Pass it on to `fetch`. */
  readonly signal: AbortSignal;
};

/**
 * The function that runs when a job fires. What it returns becomes the run's output: text as it is, anything else as
 * JSON. The run is an error where it throws or returns an `Error`, and is tried again by the job's `retry` only where
 * it outlasts the job's `timeout`. It may be called twice with the same `run.id`, after a crash in the middle: make
 * what it does repeatable.
 */
export type JobHandler = (call: JobCall) => unknown;

/** A run that has ended, as listeners hear of it. */
export type EndedRun = CalledRun & {
  readonly status: "success" | "error";
  readonly error?: string;
  readonly output?: string;
};

/** Where a listener throws, or returns an `Error`, an otherwise successful run becomes an error. */
export type RunListener = (ended: {
  readonly job: CalledJob;
  readonly run: EndedRun;
  readonly sessionId: string;
}) => unknown;

let jobHandler: JobHandler | undefined;
const listeners: RunListener[] = [];

/** Runs `handler` whenever a job fires, instead of the HTTP call to the agent. A builtin's own handler goes before it. */
export function setJobHandler(handler: JobHandler): void {
  jobHandler = handler;
}

/**
 * Has `listener` called after each run that a handler, or the agent, has ended. Several are called one after the
 * other. A listener may hear of one run twice, after a crash or when a completion crosses the answer: go by `run.id`.
 * Listeners do not hear of runs that were skipped, cancelled or timed out waiting for their completion.
 */
export function addRunListener(listener: RunListener): void {
  listeners.push(listener);
}

/** The registrations of this isolate. */
export const registeredJobHandler = (): JobHandler | undefined => jobHandler;
export const registeredListeners = (): readonly RunListener[] => listeners;
