/**
 * Server-sent events of one job: what changes is sent to whoever listens, as it is recorded. An event's id is the number
 * of the write (`rev`), so a listener that lost its connection goes on where it was: from the log itself, nothing extra
 * is stored. Timers run only while somebody listens; afterwards the object sleeps.
 */
import { jobView } from "../src/domain/job.ts";
import type { Run } from "../src/domain/run.ts";
import { runView } from "../src/domain/run-view.ts";
import type { JobHolder } from "./job-state.ts";

/** A comment this often keeps proxies from closing a quiet stream, and finds out that a listener has gone. */
const KEEP_ALIVE_MS = 15_000;
/** A listener that takes nothing for this many events is dropped: it can come back with its last id. */
const MAX_UNREAD = 256;

/** Opens a stream of `run` and `job` events; `lastRev` is the Last-Event-ID that the listener came with. */
export function openEvents(holder: JobHolder, lastRev: number | undefined): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop: () => void = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let closed = false;
        const send = (text: string) => {
          // A closed stream refuses with an exception, which would hit the change that is being told of.
          if (closed) return;
          if ((controller.desiredSize ?? 0) <= -MAX_UNREAD) return close();
          controller.enqueue(encoder.encode(text));
        };
        const close = () => {
          if (closed) return;
          closed = true;
          stop();
          controller.close();
        };
        const keepAlive = setInterval(() => send(": keep-alive\n\n"), KEEP_ALIVE_MS);
        const unlisten = holder.listen((change) => {
          for (const event of eventsOf(holder, change.runs, change.rev)) send(event);
          if (holder.state?.record.deletedAt !== undefined) close();
        });
        stop = () => {
          clearInterval(keepAlive);
          unlisten();
        };
        for (const event of missedEvents(holder, lastRev)) send(event);
      },
      cancel: () => stop(),
    },
    { highWaterMark: MAX_UNREAD },
  );
}

/** What a listener has not seen: the runs written since, and the job as it is now. An id still to come was another job's. */
function missedEvents(holder: JobHolder, lastRev: number | undefined): string[] {
  const rev = holder.state?.cursor.rev ?? 0;
  if (lastRev === rev) return [": nothing missed\n\n"];
  const runs = lastRev === undefined || lastRev > rev ? [] : holder.store.runsSince(lastRev).map(({ run }) => run);
  return eventsOf(holder, runs, rev);
}

/**
 * The events of one write. Only the last carries the write's own number; those before it lie between the one before and this
 * (`16.1`, `16.2`, `17`), so that a stream cut in between is resumed from before all of them.
 */
function eventsOf(holder: JobHolder, runs: readonly Run[], rev: number): string[] {
  const { state } = holder;
  if (state === undefined) return [];
  if (state.record.deletedAt !== undefined)
    return [`id: ${rev}\nevent: deleted\ndata: {"id":"${state.record.id}"}\n\n`];
  return [
    ...runs.map(
      (run, index) =>
        `id: ${rev - 1}.${index + 1}\nevent: run\ndata: ${JSON.stringify(runView(state.record.id, run))}\n\n`,
    ),
    `id: ${rev}\nevent: job\ndata: ${JSON.stringify(jobView(state.record, state.cursor))}\n\n`,
  ];
}
