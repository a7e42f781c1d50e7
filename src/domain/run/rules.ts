/** The part of a job's definition that its runs are judged by. It is the same for the runs of its fan-outs. */
import type { CompiledJob } from "../job/definition.ts";
import type { RunRules } from "./run.ts";

export const rulesOf = ({ retry, completionTimeoutMs, claimTimeoutMs }: CompiledJob): RunRules => ({
  retry,
  completionTimeoutMs,
  claimTimeoutMs,
});
