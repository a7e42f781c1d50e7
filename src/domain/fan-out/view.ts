/** A fan-out and its users' runs as clients see them (docs/contract.md §5, §6). */

import type { FanOut as FanOutView } from "../../schema/fan-out.ts";
import type { Run as RunView } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import type { Run } from "../run/run.ts";
import { runView } from "../run/run-view.ts";
import { formatInstant } from "../time/instant.ts";
import type { FanOut, FanOutCounts } from "./fan-out.ts";

/** The fan-out as clients see it. `counts` are its own once it has ended, and the shards' while it is running. */
export function fanOutView(jobId: string, fanOut: FanOut, counts: FanOutCounts): FanOutView {
  const { total, succeeded, failed, skipped } = counts;
  return {
    id: fanOut.id,
    job_id: jobId,
    status: fanOut.status,
    trigger: fanOut.trigger,
    scheduled_at: formatInstant(fanOut.dueAt),
    started_at: formatInstant(fanOut.startedAt),
    ...(fanOut.finishedAt === undefined ? {} : { finished_at: formatInstant(fanOut.finishedAt) }),
    ...compact({ error: fanOut.error }),
    total,
    succeeded,
    failed,
    skipped,
    pending: Math.max(0, total - succeeded - failed - skipped),
    ...(fanOut.missed > 0 ? { missed: fanOut.missed } : {}),
  };
}

export const userRunView = (jobId: string, fanOutId: string, run: Run): RunView => ({
  ...runView(jobId, run),
  fan_out_id: fanOutId,
});
