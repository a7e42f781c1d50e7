/**
 * Server-sent events of one job. Changes are sent to listeners as they are recorded. An event's id is the number of the
 * write (`rev`), so a listener that lost its connection continues from there. The log itself is read for that, and nothing
 * extra is stored. A fan-out's progress is not in the job's log, so its events have no id, and a listener that returns gets
 * the current counts. Timers run only while somebody listens. After that the object sleeps.
 */
import type { FanOut, FanOutCounts } from "../../src/domain/fan-out/fan-out.ts";
import { fanOutView } from "../../src/domain/fan-out/view.ts";
import { type JobRecord, jobView } from "../../src/domain/job/job.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { runView } from "../../src/domain/run/run-view.ts";
import type { FanOutProgress } from "./fan-outs/progress.ts";
import type { JobState, StateChange } from "./state.ts";

/**
 * The pause between comments. A comment keeps proxies from closing a quiet stream, and shows whether the listener has gone.
 */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE = ": keep-alive\n\n";
/** The unread bytes from which a slow reader is cut off. It can return with its last id. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** The watch over one stream from its opening to its end. */
export type Watch = {
  /** Whether the listener may hear about the job now. It is asked before each message. */
  readonly mayHear: () => boolean;
  /** Whether the listener may hear about this run. The runs of a job for all users belong to other users. */
  readonly mayHearOf: (run: Run) => boolean;
  readonly ended: () => void;
};

/** An event. `rev` is the number of its write. */
type Event = { readonly rev: number; readonly type: "run" | "fan_out" | "job" | "deleted"; readonly data: string };

/**
 * Opens a stream of `run`, `fan_out` and `job` events. `lastRev` is the listener's Last-Event-ID. `watch` gets a function
 * that ends the stream, and one that sends a comment over it.
 */
export function openEvents(
  jobState: JobState,
  progress: FanOutProgress,
  lastRev: number | undefined,
  watch: (end: () => void, ping: () => void) => Watch,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop: () => void = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let closed = false;
        let lastFanOut: string | undefined;
        const close = () => {
          if (closed) return;
          stop();
          controller.close();
        };
        const watched = watch(close, () => send(KEEP_ALIVE));
        const send = (text: string) => {
          // Writing to a closed stream throws, which would break the change that is being published.
          if (closed) return;
          if (!watched.mayHear()) return close();
          const bytes = encoder.encode(text);
          // Earlier messages may be large. The reader counts as behind only when one more does not fit.
          if ((controller.desiredSize ?? 0) < bytes.byteLength) {
            stop();
            // An error drops the unread messages at once; a close would keep them.
            controller.error(new Error("The reader is too far behind"));
            return;
          }
          controller.enqueue(bytes);
        };
        const keepAlive = setInterval(() => send(KEEP_ALIVE), KEEP_ALIVE_MS);
        const unlisten = jobState.onCommit((change) => {
          if (jobState.stored?.record.deletedAt === undefined && !watched.mayHear()) return close();
          for (const { text, fanOut } of numbered(eventsOf(jobState, change, watched.mayHearOf))) {
            lastFanOut = fanOut ?? lastFanOut;
            send(text);
          }
          if (jobState.stored?.record.deletedAt !== undefined) close();
        });
        const unwatch = progress.watch((fanOut, counts) => {
          const record = jobState.stored?.record;
          const data = record === undefined ? undefined : fanOutData(record, fanOut, counts);
          if (data === undefined || data === lastFanOut) return;
          lastFanOut = data;
          send(`event: fan_out\ndata: ${data}\n\n`);
        });
        stop = () => {
          if (closed) return;
          closed = true;
          clearInterval(keepAlive);
          unlisten();
          unwatch();
          watched.ended();
        };
        // The missed events are sent whole, however many they are. A listener that is cut off in between would come back
        // for the same ones.
        const missed = numbered(missedEvents(jobState, lastRev, watched.mayHearOf)).map(({ text }) => text);
        controller.enqueue(encoder.encode(missed.length === 0 ? ": nothing missed\n\n" : missed.join("")));
      },
      cancel: () => stop(),
    },
    { highWaterMark: MAX_UNREAD_BYTES, size: (chunk) => chunk.byteLength },
  );
}

/**
 * The changes that a listener has not seen: written runs, ended fan-outs, and the job as it is now. A future id belongs to
 * another job. A running fan-out is reported by its progress.
 */
function missedEvents(jobState: JobState, lastRev: number | undefined, mayHearOf: Watch["mayHearOf"]): Event[] {
  const state = jobState.current;
  const rev = state?.cursor.rev ?? 0;
  if (state === undefined || lastRev === rev) return [];
  const job = jobEvent(state.record, state.cursor);
  if (lastRev === undefined || lastRev > rev) return [job];
  const runs = jobState.store
    .runsSince(lastRev)
    .filter(({ run }) => mayHearOf(run))
    .map((written) => runEvent(state.record, written.run, written.rev));
  const fanOuts = jobState.fanOuts
    .endedSince(lastRev)
    .map((written) => fanOutEvent(state.record, written.fanOut, written.rev));
  return [...[...runs, ...fanOuts].sort((a, b) => a.rev - b.rev), job];
}

/** The events of one write. */
function eventsOf(jobState: JobState, { rev, runs, fanOut, job }: StateChange, mayHearOf: Watch["mayHearOf"]): Event[] {
  const state = jobState.current;
  if (state === undefined) return [];
  const { record, cursor } = state;
  if (record.deletedAt !== undefined) return [{ rev, type: "deleted", data: JSON.stringify({ id: record.id }) }];
  return [
    ...runs.filter(mayHearOf).map((run) => runEvent(record, run, rev)),
    ...(fanOut === undefined ? [] : [fanOutEvent(record, fanOut, rev)]),
    ...(job ? [jobEvent(record, cursor)] : []),
  ];
}

/**
 * Events in the order of their writes, as text. Only the last event of a write carries its number. The earlier ones lie
 * between the previous number and this one (`16.1`, `16.2`, `17`), so a stream that is cut in between resumes before all of
 * them.
 */
function numbered(events: readonly Event[]): { readonly text: string; readonly fanOut: string | undefined }[] {
  let before = 0;
  return events.map(({ rev, type, data }, index) => {
    const isLast = events[index + 1]?.rev !== rev;
    before = isLast ? 0 : before + 1;
    const id = isLast ? `${rev}` : `${rev - 1}.${before}`;
    return {
      text: `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`,
      fanOut: type === "fan_out" ? data : undefined,
    };
  });
}

const runEvent = (record: JobRecord, run: Run, rev: number): Event => ({
  rev,
  type: "run",
  data: JSON.stringify(runView(record.id, run)),
});

const fanOutEvent = (record: JobRecord, fanOut: FanOut, rev: number): Event => ({
  rev,
  type: "fan_out",
  data: fanOutData(record, fanOut, fanOut.counts),
});

const jobEvent = (record: JobRecord, cursor: Parameters<typeof jobView>[1]): Event => ({
  rev: cursor.rev,
  type: "job",
  data: JSON.stringify(jobView(record, cursor, Date.now())),
});

const fanOutData = (record: JobRecord, fanOut: FanOut, counts: FanOutCounts): string =>
  JSON.stringify(fanOutView(record.id, fanOut, counts));
