/** The part of a job's definition that its runs need. It is the same for the runs of its fan-outs. */
import type { CompiledJob } from "../job/definition.ts";
import type { RunRules } from "./run.ts";

export const rulesOf = ({ retry, completionTimeoutMs, claimTimeoutMs }: CompiledJob): RunRules => ({
  retry,
  completionTimeoutMs,
  claimTimeoutMs,
});
