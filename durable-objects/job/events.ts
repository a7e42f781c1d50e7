/**
 * Server-sent events of one job: changes are sent to listeners as they are recorded. An event's id is the number of
 * the write (`rev`), so a listener that lost its connection goes on from there. The log itself is read then, and
 * nothing extra is stored. A fan-out's progress is in no log of the job's: such an event has no id, and a listener
 * that comes back gets the counts of that moment. Timers run only while somebody listens; afterwards the object
 * sleeps.
 */
import type { FanOut, FanOutCounts } from "../../src/domain/fan-out/fan-out.ts";
import { fanOutView } from "../../src/domain/fan-out/view.ts";
import { type JobRecord, jobView } from "../../src/domain/job/job.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { runView } from "../../src/domain/run/run-view.ts";
import type { FanOutProgress } from "./fan-outs/progress.ts";
import type { JobState, StateChange } from "./state.ts";

/** A comment this often keeps proxies from closing a quiet stream, and finds out that a listener has gone. */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE = ": keep-alive\n\n";
/** A reader that is so far behind is cut off: it can come back with its last id. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Watches over one stream from its opening to its end. */
export type Watch = {
  /** Whether the listener may hear of the job as it is now: asked before each thing that is sent. */
  readonly mayHear: () => boolean;
  /** Whether the listener may hear of this run: those of a job for all users are other users'. */
  readonly mayHearOf: (run: Run) => boolean;
  readonly ended: () => void;
};

/** `rev` is the write that it tells of. */
type Event = { readonly rev: number; readonly type: "run" | "fan_out" | "job" | "deleted"; readonly data: string };

/**
 * Opens a stream of `run`, `fan_out` and `job` events; `lastRev` is the Last-Event-ID that the listener came with. `watch` is called
 * with what ends the stream, and with what sends a comment over it.
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
          // A closed stream refuses with an exception, which would hit the change that is being told of.
          if (closed) return;
          if (!watched.mayHear()) return close();
          const bytes = encoder.encode(text);
          // What was sent before may be much, and is behind only once something more is to be sent.
          if ((controller.desiredSize ?? 0) < bytes.byteLength) {
            stop();
            // An error, not a close: what is unread is let go at once.
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
        // However much was missed, it is handed over whole: a listener dropped in the middle would come back for the same again.
        const missed = numbered(missedEvents(jobState, lastRev, watched.mayHearOf)).map(({ text }) => text);
        controller.enqueue(encoder.encode(missed.length === 0 ? ": nothing missed\n\n" : missed.join("")));
      },
      cancel: () => stop(),
    },
    { highWaterMark: MAX_UNREAD_BYTES, size: (chunk) => chunk.byteLength },
  );
}

/**
 * The changes that a listener has not seen: runs written, fan-outs ended, and the job as it is now. An id still to
 * come was another job's. A fan-out that is going is reported by its progress.
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
 * Events in the order of their writes, as they are sent. Only the last of a write carries its number; those before it lie between
 * the write before and this (`16.1`, `16.2`, `17`), so that a stream cut in between is resumed from before all of them.
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
