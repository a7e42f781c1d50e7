/** Runs as commands show them. */
import * as z from "zod";
import { paintStatus, relative, roughly, table } from "./render.ts";
import type { Terminal } from "./terminal.ts";

/** The fields of a run that are shown. A newer service may answer more. */
export const RunShape = z.looseObject({
  id: z.string(),
  status: z.string(),
  trigger: z.string(),
  scheduled_at: z.string(),
  started_at: z.string(),
  finished_at: z.string().optional(),
  attempt: z.number(),
  user_id: z.string().optional(),
  output: z.string().optional(),
  error: z.string().optional(),
  progress: z.looseObject({ percent: z.number().optional(), message: z.string().optional() }).optional(),
});
export type RunShape = z.infer<typeof RunShape>;

/** The time that a run took, or has taken so far. */
export function tookOf({ started_at, finished_at }: RunShape, now: number): string {
  return roughly((finished_at === undefined ? now : Date.parse(finished_at)) - Date.parse(started_at));
}

/** The outcome of a run, or its progress, in one line. */
export function resultOf({ status, output, error, progress }: RunShape): string {
  if (error !== undefined) return error;
  if (output !== undefined) return output;
  if (status !== "running" || progress === undefined) return "";
  return [progress.percent === undefined ? [] : `${progress.percent} %`, progress.message ?? []].flat().join(" ");
}

/** A table of runs; `now` in epoch ms. */
export function runTable(terminal: Terminal, runs: readonly RunShape[], now: number): string {
  return table(
    terminal,
    ["ID", "STATUS", "DUE", "TOOK", "TRIGGER", "ATTEMPT", "RESULT"],
    runs.map((run) => [
      run.id,
      paintStatus(terminal, run.status),
      relative(run.scheduled_at, now),
      run.status === "skipped" ? "" : tookOf(run, now),
      run.trigger,
      String(run.attempt),
      resultOf(run),
    ]),
  );
}
