import { vi } from "vitest";

export const scripted = (script: Record<string, unknown>) => ({ message: JSON.stringify(script) });
export const ONE_AT_A_TIME = { fan_out: { concurrency: 1 } };

/** Alarms fire by themselves here, on real time, and the machine may be busy. */
export const eventually = <T>(probe: () => Promise<T>): Promise<T> =>
  vi.waitFor(probe, { timeout: 15_000, interval: 20 });

/** The roster that each test begins with. Each file registers the hook itself: files share one load of this module. */
export const USERS = ["ann", "bob", "cem"];

/** Keeps a list of statuses in the order in which their runs began, newest first. */
export function byStart(runs: readonly { status: string; started_at: string }[]) {
  return (a: string, b: string) =>
    runs.findIndex((run) => run.status === a) - runs.findIndex((run) => run.status === b);
}
