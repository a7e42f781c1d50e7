/** The editor of a schedule: a form that follows the text for the API, and the resulting fires. */
import type { FieldError } from "../../api/problem.ts";
import { AtEditor } from "./at-editor.tsx";
import { Bounds } from "./bounds.tsx";
import { CronEditor } from "./cron-editor.tsx";
import { DelayEditor } from "./delay-editor.tsx";
import type { ScheduleDraft, ScheduleKind } from "./draft.ts";
import { EveryEditor } from "./every-editor.tsx";
import type { PartProps } from "./part.ts";
import { FirePreview, usePreview } from "./preview.tsx";
import { RuleEditor } from "./rule-editor.tsx";

const KINDS: readonly (readonly [ScheduleKind, string, string])[] = [
  ["cron", "By calendar", "At times of day, on days of the week or month"],
  ["every", "At an interval", "Every so often, counted from a start"],
  ["rrule", "By a rule", "Every other Tuesday, the last Friday of a month"],
  ["at", "Once", "At one time, and then it is finished"],
  ["in", "In a while", "In 20 minutes, in 3 hours"],
  ["manual", "By hand", "Only when it is run or triggered"],
];

export type ScheduleEditorProps = {
  readonly draft: ScheduleDraft;
  readonly onChange: (draft: ScheduleDraft) => void;
  /** The API's answer to the last save. */
  readonly errors: readonly FieldError[];
};

export function ScheduleEditor({ draft, onChange, errors }: ScheduleEditorProps) {
  const preview = usePreview(draft);
  const change = (changes: Partial<ScheduleDraft>) => onChange({ ...draft, ...changes });
  const current = preview.problem?.errors ?? errors;
  const errorsAt = (field: string) => [
    ...new Set(current.filter(({ path }) => path === field).map(({ message }) => message)),
  ];
  const part: PartProps = { draft, change, errorsAt };
  return (
    <fieldset class="schedule">
      <legend>Schedule</legend>
      <div class="kinds" role="radiogroup" aria-label="Kind of schedule">
        {KINDS.map(([kind, label, hint]) => (
          <label key={kind} class="kind">
            <input type="radio" name="kind" checked={draft.kind === kind} onChange={() => change({ kind })} />
            <span>
              <strong>{label}</strong>
              <small>{hint}</small>
            </span>
          </label>
        ))}
      </div>
      <div class="schedule-body">
        <div class="schedule-fields">
          {draft.kind === "cron" ? <CronEditor {...part} /> : null}
          {draft.kind === "every" ? <EveryEditor {...part} /> : null}
          {draft.kind === "rrule" ? <RuleEditor {...part} /> : null}
          {draft.kind === "at" ? <AtEditor {...part} /> : null}
          {draft.kind === "in" ? <DelayEditor {...part} /> : null}
          {draft.kind === "manual" ? (
            <p class="hint">
              It has no times of its own: use Run now, the API's run and trigger, or the tool run_job_now.
            </p>
          ) : (
            <Bounds {...part} />
          )}
          {errorsAt("schedule").map((message) => (
            <p key={message} class="field-errors">
              {message}
            </p>
          ))}
        </div>
        <FirePreview draft={draft} preview={preview} />
      </div>
    </fieldset>
  );
}
