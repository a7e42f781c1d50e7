/** The findings of `explain`, before and after they are put into words for clients. */

import type { Explanation as ExplanationView, Verdict } from "../../schema/explanation.ts";
import { compact } from "../compact.ts";
import type { Run } from "../run/run.ts";
import { runView } from "../run/run-view.ts";
import type { TickState } from "../run/tick.ts";
import { formatInstant } from "../time/instant.ts";
import { stateOf } from "./job.ts";

/** Why a job did or did not run; instants are epoch ms. */
export type Explanation = {
  readonly verdict: Verdict;
  /** One or two sentences. */
  readonly explanation: string;
  /** The due time that the verdict is about. */
  readonly dueAt?: number;
  readonly run?: Run;
  /** The fan-out that the verdict is about. */
  readonly fanOutId?: string;
};

/** An explanation as clients see it. `at` is the time in question. */
export function explanationView(state: TickState, at: number, explained: Explanation): ExplanationView {
  const { record, cursor } = state;
  return {
    job_id: record.id,
    at: formatInstant(at),
    state: stateOf(record),
    verdict: explained.verdict,
    explanation: explained.explanation,
    ...(explained.dueAt === undefined ? {} : { due_at: formatInstant(explained.dueAt) }),
    ...(explained.run === undefined ? {} : { run: runView(record.id, explained.run) }),
    ...compact({ fan_out_id: explained.fanOutId }),
    ...(cursor.nextDueAt === null ? {} : { next_run_at: formatInstant(cursor.nextDueAt) }),
  };
}
