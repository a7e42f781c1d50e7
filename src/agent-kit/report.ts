/** Reports of a run over HTTP, with the run's own token. */
import { messageOf } from "../domain/text/error-text.ts";
import { pause } from "./wait.ts";

/**
 * The result of a report. `ended`: Reveille has ended the run or given it to another. `lost`: it could not be reached, or
 * failed.
 */
export type Reported = { readonly kind: "done" | "ended" } | { readonly kind: "lost"; readonly why: string };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const ANSWER_LIMIT_MS = 30_000;
/** The statuses of faults that may pass. The run is still this agent's, so the report is retried. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];
/**
 * The statuses after which the run's token is no longer valid. The run has ended, was given to another agent, or its job is
 * gone.
 */
const ENDED = [401, 403, 404, 409];

export type Report = { readonly url: string; readonly token: string; readonly body: object };

/** Sends a report once. Never rejects. */
export async function send(fetchIt: Fetch, { url, token, body }: Report): Promise<Reported> {
  try {
    const response = await fetchIt(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    if (response.ok) {
      await response.body?.cancel();
      return { kind: "done" };
    }
    const why = `${response.status} ${await response.text()}`;
    if (ENDED.includes(response.status)) return { kind: "ended" };
    return PASSING.includes(response.status) ? { kind: "lost", why } : { kind: "lost", why: `refused: ${why}` };
  } catch (error) {
    return { kind: "lost", why: messageOf(error) };
  }
}

/**
 * Sends a report until it has arrived, with a backoff from a second to a minute. Gives up after `deadline` (epoch ms), when
 * the run has ended, or when the report itself is refused.
 */
export async function sendUntilDone(fetchIt: Fetch, report: Report, deadline: number): Promise<Reported> {
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
    const reported = await send(fetchIt, report);
    if (reported.kind !== "lost" || reported.why.startsWith("refused: ")) return reported;
    if (Date.now() + wait > deadline) return reported;
    await pause(wait * (0.75 + Math.random() / 2));
  }
}

/** The address for progress, made from the address for completions. */
export const progressUrl = (completeUrl: string): string => completeUrl.replace(/complete$/, "progress");
export const releaseUrl = (completeUrl: string): string => completeUrl.replace(/complete$/, "release");
