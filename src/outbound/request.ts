/**
 * One call whose failure is a sentence. Heartbeats make it to chat endpoints and notifiers, fan-outs to sources of users.
 * Time and size are limited, and it never throws. Reasons contain neither the URL nor any secret, because Slack's and
 * Discord's URLs and Telegram's path are secrets.
 */
import { err, type Result } from "../domain/result.ts";
import { formatDuration } from "../domain/time/duration.ts";
import { type Deadline, type Interruption, TimedDeadline } from "./deadline.ts";
import { type Call, type Exchanged, exchange, type Fetch, quoteOf, reasonOf, redact } from "./exchange.ts";
import { release } from "./output.ts";
import { classifyStatus } from "./response.ts";
import type { Unsettled } from "./settle.ts";

/** Why a call failed. `passing`: another try may succeed. `postponed`: the platform allowed no call, so none was made. */
export type Trouble = {
  readonly reason: string;
  readonly passing: boolean;
  readonly httpStatus?: number;
  readonly postponed?: true;
};

export type OutboundRequest = Call & {
  readonly headers: Readonly<Record<string, string>>;
  /** The time from connecting to the last byte. */
  readonly timeoutMs: number;
  /** Texts that no reason may contain, in case the receiver echoes them. */
  readonly secrets: readonly string[];
};

export type RequestIo = {
  readonly fetch: Fetch;
  /** Aborting it ends the call. */
  readonly signal?: AbortSignal | undefined;
};

/** Makes the call. `read` takes over the body of an answer with status 2xx. */
export async function request<T>(
  call: OutboundRequest,
  io: RequestIo,
  read: (response: Response, deadline: Deadline) => Promise<Result<T, Trouble>>,
): Promise<Result<T, Trouble>> {
  // It is not called as a method of `io`, since workerd's own fetch refuses a foreign `this`.
  const { fetch } = io;
  const deadline = new TimedDeadline(call.timeoutMs, io.signal);
  try {
    const exchanged = await exchange({ ...call, headers: withOwnHeaders(call) }, fetch, deadline);
    const result = exchanged.kind === "answer" ? await take(exchanged.response) : err(troubleOf(exchanged, call));
    return result.ok ? result : err({ ...result.error, reason: redact(result.error.reason, call.secrets) });
  } finally {
    deadline.close();
  }

  async function take(response: Response): Promise<Result<T, Trouble>> {
    return response.ok ? read(response, deadline) : err(await explainStatus(response, call, deadline));
  }
}

const withOwnHeaders = ({ headers, body }: OutboundRequest): Record<string, string> => ({
  "user-agent": "Reveille",
  ...(body === undefined ? {} : { "content-type": "application/json" }),
  ...headers,
});

function troubleOf(ended: Exclude<Exchanged, { kind: "answer" }>, call: OutboundRequest): Trouble {
  switch (ended.kind) {
    case "no_connection":
      return { reason: ended.reason, passing: true };
    case "postponed":
      return {
        reason: `${call.receiver} was not called: this invocation may make no further call`,
        passing: true,
        postponed: true,
      };
    default:
      return interruptedBy(ended, call);
  }
}

/** The trouble of a limit that ran out, or of a call that we aborted ourselves. */
export const interruptedBy = (
  by: Interruption,
  { receiver, timeoutMs }: Pick<OutboundRequest, "receiver" | "timeoutMs">,
): Trouble =>
  by.kind === "aborted"
    ? { reason: "given up", passing: false }
    : { reason: `timed out after ${formatDuration(timeoutMs)}: ${receiver} did not finish its answer`, passing: true };

/** The same as {@link interruptedBy} for a function in code that failed or did not answer in time. */
export const hookTrouble = (ended: Unsettled, call: Pick<OutboundRequest, "receiver" | "timeoutMs">): Trouble =>
  ended.kind === "failed"
    ? { reason: `${call.receiver} failed: ${reasonOf(ended.error)}`, passing: true }
    : interruptedBy(ended, call);

async function explainStatus(response: Response, { receiver }: OutboundRequest, deadline: Deadline): Promise<Trouble> {
  const { status } = response;
  const passing = classifyStatus(status) === "retryable";
  const isRedirect = status >= 300 && status <= 399;
  if (isRedirect) {
    release(response.body);
    const reason = `${receiver} answered ${status}, a redirect; redirects are not followed, so set the URL to where it leads`;
    return { reason, passing, httpStatus: status };
  }
  const quote = await quoteOf(response, deadline);
  return { reason: `${receiver} answered ${status}${quote === "" ? "" : `: ${quote}`}`, passing, httpStatus: status };
}
