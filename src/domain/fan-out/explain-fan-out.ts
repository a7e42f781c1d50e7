/** The reasons why a job ran or did not, for fires that have left a fan-out as their trace. Pure. */
import type { Explanation } from "../job/explanation.ts";
import { formatInstant } from "../time/instant.ts";
import type { FanOut } from "./fan-out.ts";

/** A fan-out's progress, as `explain` needs it. */
export type ExplainedFanOut = Pick<FanOut, "id" | "trigger" | "dueAt" | "missed" | "status" | "counts" | "error">;

/**
 * Explains the fire at `dueAt` by its fan-out, or by a later fan-out that also stands for that fire. Undefined if there is
 * neither. `fanOuts` are newest first.
 */
export function explainByFanOut(fanOuts: readonly ExplainedFanOut[], dueAt: number): Explanation | undefined {
  const scheduled = fanOuts.filter(({ trigger }) => trigger === "schedule");
  const own = scheduled.find((fanOut) => fanOut.dueAt === dueAt);
  if (own !== undefined) return { ...explainOne(own), dueAt, fanOutId: own.id };
  const next = scheduled.findLast((fanOut) => fanOut.dueAt > dueAt);
  if (next === undefined || next.missed === 0) return undefined;
  return {
    verdict: "coalesced",
    explanation: `The fire due at ${formatInstant(dueAt)} was missed while nothing could run; fan-out ${next.id}, for the later due time ${formatInstant(next.dueAt)}, stands for it and ${next.missed - 1} more.`,
    dueAt,
    fanOutId: next.id,
  };
}

function explainOne({ id, dueAt, status, counts, error }: ExplainedFanOut): Explanation {
  const started = `The fire due at ${formatInstant(dueAt)} was answered by fan-out ${id}`;
  if (status === "running") return { verdict: "running", explanation: `${started}, which is still going.` };
  const { total, succeeded, failed, skipped } = counts;
  const how = status === "success" ? "ended as a success" : `ended as an error (${error ?? "unknown"})`;
  return {
    verdict: "ran",
    explanation: `${started}, which ${how}: of ${total} users' runs ${succeeded} succeeded, ${failed} failed, and ${skipped} were skipped.`,
  };
}
