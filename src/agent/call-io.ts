/** The means of one attempt, the same for each channel. */
import type { ConfirmClaim } from "../objects/mailbox.ts";
import type { Deadline } from "../outbound/deadline.ts";

/** `now` is epoch ms. `deadline` is the attempt's: the caller watches its time, and interrupts it to abort the call. */
export type CallIo = {
  readonly now: () => number;
  readonly deadline: Deadline;
  /** Confirms that the run is claimed, for a mailbox with a waiting agent. Left out: the mailbox calls the job. */
  readonly confirm?: ConfirmClaim;
};
