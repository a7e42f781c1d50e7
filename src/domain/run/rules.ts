/** What of a job's definition its runs are judged by: the same for the job's own runs and for those of its fan-outs. */
import type { CompiledJob } from "../job/definition.ts";
import type { RunRules } from "./run.ts";

export const rulesOf = ({ retry, completionTimeoutMs, claimTimeoutMs }: CompiledJob): RunRules => ({
  retry,
  completionTimeoutMs,
  claimTimeoutMs,
});
