/** The calls of a loop that runs attempts. A call that hangs or throws is an outcome of its attempt too. */
import { ATTEMPT_GRACE_MS } from "../../src/agent/attempt.ts";
import type { AttemptOutcome } from "../../src/domain/run/attempt-outcome.ts";
import { errorText } from "../../src/domain/text/error-text.ts";
import { formatDuration } from "../../src/domain/time/duration.ts";
import { Calls } from "./calls.ts";

/** `answered` is called for every answer that comes in. */
export const attemptCalls = (answered: () => void): Calls<AttemptOutcome> =>
  new Calls<AttemptOutcome>({
    graceMs: ATTEMPT_GRACE_MS,
    givenUp: (timeoutMs) => ({
      kind: "retryable",
      reason: `timed out after ${formatDuration(timeoutMs)}: the call did not end when its time was over`,
    }),
    threw: (error) => ({ kind: "refused", reason: `the call could not be made: ${errorText(error)}` }),
    answered,
  });
