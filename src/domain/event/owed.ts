/** An event that the job has recorded and the directory has not got yet. */
import type { EventType } from "../../schema/event.ts";

/** An event to be sent to the directory. Its text is made from the job when it is sent. */
export type OwedEvent = {
  readonly id: string;
  readonly type: EventType;
  /** Epoch ms. */
  readonly at: number;
  /** Left out of the events but kept for the list of runs. The job reports nothing, or somebody cancelled the run. */
  readonly hidden?: true;
  readonly runId?: string;
  readonly fanOutId?: string;
  /** Failures of the job in a row, including this one. */
  readonly count?: number;
  /** Why the job was paused, or which budget is used up. */
  readonly reason?: string;
};
