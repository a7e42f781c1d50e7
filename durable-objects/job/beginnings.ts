/** The beginnings of runs that clients have started, so that a start is answered when its run can be claimed. */
import type { StateChange } from "./state.ts";

/** The longest wait for a beginning. A run has begun long before that, unless another object cannot be reached. */
const MAX_WAIT_MS = 250;

export class Beginnings {
  readonly #waiting = new Map<string, () => void>();

  /**
   * Waits until the run is offered, has ended, or goes to no mailbox. It waits for a quarter of a second at most. The alarm
   * makes the offer, a moment after the start was recorded.
   */
  async of(runId: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, MAX_WAIT_MS);
      this.#waiting.set(runId, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#waiting.delete(runId);
  }

  /** Handles a commit. A run that is called has not begun: its agent may have a mailbox. */
  noticed({ runs }: StateChange): void {
    for (const { id, phase } of runs) if (phase !== "calling") this.sent(id);
  }

  /** Handles a run that goes to no mailbox. */
  sent(runId: string): void {
    this.#waiting.get(runId)?.();
  }
}
