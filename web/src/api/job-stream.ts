/**
 * A job's server-sent events, read from a fetch, because EventSource cannot send a token. After a lost connection the
 * stream continues after the last event's id.
 */
import { send, v1 } from "./client.ts";
import type { FanOut } from "./fan-outs.ts";
import type { Job, Run } from "./jobs.ts";
import { parseEvents, type ServerEvent } from "./sse.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export type JobListener = {
  readonly onJob: (job: Job) => void;
  readonly onRun: (run: Run) => void;
  readonly onFanOut: (fanOut: FanOut) => void;
  readonly onDeleted: () => void;
  /** `opened` again, `resumed` with nothing missed, or `lost`; then it is tried again. */
  readonly onConnection: (connection: "opened" | "resumed" | "lost") => void;
};

/** Listens until `signal` is aborted, or the job is gone. */
export async function listenToJob(jobId: string, listener: JobListener, signal: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const headers = { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
    const sent = await send("GET", v1("jobs", jobId, "events"), { headers, signal });
    if (!sent.ok && sent.error.status >= 400 && sent.error.status < 500 && sent.error.status !== 429) return;
    if (sent.ok && sent.value.body !== null) {
      listener.onConnection(lastId === undefined ? "opened" : "resumed");
      retryMs = FIRST_RETRY_MS;
      for await (const event of eventsIn(sent.value.body)) {
        lastId = event.id ?? lastId;
        if (event.type === "deleted") return listener.onDeleted();
        hand(event, listener);
      }
    }
    if (signal.aborted) return;
    listener.onConnection("lost");
    await pause(retryMs, signal);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

function hand({ type, data }: ServerEvent, listener: JobListener): void {
  if (type === "job") listener.onJob(JSON.parse(data));
  if (type === "run") listener.onRun(JSON.parse(data));
  if (type === "fan_out") listener.onFanOut(JSON.parse(data));
}

/** The events of a stream, until it ends. */
async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const chunk = await reader.read().catch(() => undefined);
    if (chunk === undefined || chunk.done) return;
    const parsed = parseEvents(rest + decoder.decode(chunk.value, { stream: true }));
    rest = parsed.rest;
    yield* parsed.events;
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
