/**
 * Hooks in code for a job that fires (docs/contract.md §10): a handler instead of the agent, and listeners. They are
 * registered at module level, as in Go's `init()`, since the same module is loaded everywhere that jobs run.
 */
import type { CalledJob, CalledRun } from "../schema/agent-call.ts";
import { mustBeFunction } from "./must-be-function.ts";

/** The input of a handler: the job, the run, and the session that the run belongs to. */
export type JobCall = {
  readonly job: CalledJob;
  readonly run: CalledRun;
  readonly sessionId: string;
  /** Aborted when the job's `timeout` has passed or the run was cancelled. Pass it to `fetch`. */
  readonly signal: AbortSignal;
};

/**
 * The function that runs when a job fires. Its return value becomes the run's output: text unchanged, anything else as
 * JSON. If it throws or returns an `Error`, the run is an error. It is retried by the job's `retry` only if it outlasts the
 * job's `timeout`. After a crash it may be called again with the same `run.id`, so make its effects repeatable.
 */
export type JobHandler = (call: JobCall) => unknown;

/** An ended run, as listeners get it. */
export type EndedRun = CalledRun & {
  readonly status: "success" | "error";
  readonly error?: string;
  readonly output?: string;
};

/** A listener. If it throws or returns an `Error`, a successful run becomes an error. */
export type RunListener = (ended: {
  readonly job: CalledJob;
  readonly run: EndedRun;
  readonly sessionId: string;
}) => unknown;

let jobHandler: JobHandler | undefined;
const listeners: RunListener[] = [];

/** Runs `handler` whenever a job fires, instead of the HTTP call to the agent. A builtin's own handler takes precedence. */
export function setJobHandler(handler: JobHandler): void {
  mustBeFunction("setJobHandler: the handler", handler);
  jobHandler = handler;
}

/**
 * Calls `listener` after each run that a handler or the agent has ended. Several listeners are called in turn. A listener
 * may get one run twice, after a crash or when a completion crosses the answer, so identify it by `run.id`. Listeners do
 * not get runs that were skipped, cancelled, or timed out while waiting for their completion.
 */
export function addRunListener(listener: RunListener): void {
  mustBeFunction("addRunListener: the listener", listener);
  listeners.push(listener);
}

/** The registrations of this isolate. */
export const registeredJobHandler = (): JobHandler | undefined => jobHandler;
export const registeredListeners = (): readonly RunListener[] => listeners;
