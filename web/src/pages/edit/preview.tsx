/** The effect of the typed schedule: words, the next five fires, and the next clock change. */
import { useEffect, useState } from "preact/hooks";
import { type Preview, previewSchedule, type Warning } from "../../api/jobs.ts";
import type { Problem } from "../../api/problem.ts";
import { now } from "../../clock.ts";
import { nextClockChange } from "../../time/clock-changes.ts";
import { zoneOf } from "../../time/fires.ts";
import { countdown, dayAndTime, fullTime, msOf, offsetOf, VIEWER_ZONE, zoneName } from "../../time/format.ts";
import { type ScheduleDraft, specOf } from "./draft.ts";

const TYPING_PAUSE_MS = 250;

export type PreviewState = {
  /** The last preview. It stays while the schedule is half typed. */
  readonly value: Preview | undefined;
  readonly problem: Problem | undefined;
  /** Whether `value` is the current schedule's. */
  readonly fresh: boolean;
};

/** Asks the API when the user pauses. */
export function usePreview(draft: ScheduleDraft): PreviewState {
  const key = JSON.stringify(specOf(draft));
  const [state, setState] = useState<PreviewState & { readonly key: string }>({
    key: "",
    value: undefined,
    problem: undefined,
    fresh: false,
  });
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      const answer = await previewSchedule(JSON.parse(key), controller.signal);
      if (controller.signal.aborted) return;
      setState((old) =>
        answer.ok
          ? { key, value: answer.value, problem: undefined, fresh: true }
          : { key, value: old.value, problem: answer.error, fresh: false },
      );
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key]);
  return { ...state, fresh: state.fresh && state.key === key };
}

export function FirePreview({ draft, preview }: { readonly draft: ScheduleDraft; readonly preview: PreviewState }) {
  const { value, problem, fresh } = preview;
  const zone = zoneOf(specOf(draft));
  const isElsewhere = zone !== undefined && zone !== VIEWER_ZONE && !/^[+-]/.test(zone);
  return (
    <aside
      class={fresh ? "preview" : "preview is-stale"}
      aria-label="Next runs"
      aria-busy={!fresh && problem === undefined}
    >
      <p class="preview-words" aria-live="polite">
        {fresh
          ? value?.description
          : problem === undefined
            ? "…"
            : problem.status === 422
              ? "Not a schedule yet: see the fields marked red."
              : problem.detail}
      </p>
      <ol class="preview-fires">
        {(value?.next ?? []).map((fire, index, all) => {
          const before = all[index - 1];
          const changed = before !== undefined && offsetOf(before.local) !== offsetOf(fire.local);
          return (
            <li key={fire.at}>
              {changed ? <ClockNote from={offsetOf(before.local)} to={offsetOf(fire.local)} /> : null}
              <time dateTime={fire.at} title={fullTime(msOf(fire.at))}>
                {dayAndTime(msOf(fire.at), now.peek(), zone ?? VIEWER_ZONE)}
              </time>
              <small>
                {isElsewhere
                  ? `${dayAndTime(msOf(fire.at), now.peek())} here`
                  : `in ${countdown(msOf(fire.at) - now.value)}`}
              </small>
            </li>
          );
        })}
      </ol>
      {value !== undefined && value.next.length < 5 && fresh && draft.kind !== "manual" ? (
        <p class="hint">No further runs.</p>
      ) : null}
      {isElsewhere ? <p class="hint">Times of {zoneName(zone)}; beside them, yours.</p> : null}
      {fresh ? <NextChange draft={draft} /> : null}
      {fresh ? <Warnings warnings={value?.warnings ?? []} /> : null}
    </aside>
  );
}

/** The warnings about a schedule that is valid but may not be meant. */
function Warnings({ warnings }: { readonly warnings: readonly Warning[] }) {
  if (warnings.length === 0) return null;
  return (
    <ul class="warnings" aria-label="Please check">
      {warnings.map(({ code, message }) => (
        <li key={`${code} ${message}`}>{message}</li>
      ))}
    </ul>
  );
}

function ClockNote({ from, to }: { readonly from: string; readonly to: string }) {
  return (
    <span class="clock-note">
      The clocks change here: UTC{from} to UTC{to}
    </span>
  );
}

/** The fires around the next clock change, if the schedule's zone has one within a year. */
function NextChange({ draft }: { readonly draft: ScheduleDraft }) {
  const spec = specOf(draft);
  const change = nextClockChange(spec, now.peek());
  if (change === undefined) return null;
  return (
    <div class="clock-change">
      <p>
        <strong>
          {zoneName(change.zone)}'s clocks go {change.forward ? "forward" : "back"} on{" "}
          {dayAndTime(change.at, now.peek(), change.zone)}.
        </strong>{" "}
        Around then it fires:
      </p>
      <ul>
        {change.fires.map((fire) => (
          <li key={fire.at}>
            {dayAndTime(fire.at, now.peek(), change.zone)} <small>UTC{offsetOf(fire.local)}</small>
          </li>
        ))}
      </ul>
    </div>
  );
}
