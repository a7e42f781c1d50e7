/** An event between its record in the job and the directory. */
import type { EventType } from "../../schema/event.ts";

/** An event that the directory has yet to hear. Its text is read off the job when it is sent. */
export type OwedEvent = {
  readonly id: string;
  readonly type: EventType;
  /** Epoch ms. */
  readonly at: number;
  /** Left out of the events, and kept for the list of runs. The job reports nothing, or somebody cancelled the run. */
  readonly hidden?: true;
  readonly runId?: string;
  readonly fanOutId?: string;
  /** Failures of the job in a row, this one included. */
  readonly count?: number;
  /** Why the job was paused, or which budget is used up. */
  readonly reason?: string;
};
