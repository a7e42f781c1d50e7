/** When the job fires: a friendly editor in step with the text that the API takes, and the fires that come of it. */
import type { FieldError } from "../../api/problem.ts";
import { Field, TextField } from "../../parts/field.tsx";
import { VIEWER_ZONE } from "../../time/format.ts";
import { AtEditor } from "./at-editor.tsx";
import { CronEditor } from "./cron-editor.tsx";
import type { ScheduleDraft, ScheduleKind } from "./draft.ts";
import { EveryEditor } from "./every-editor.tsx";
import { FirePreview, usePreview } from "./preview.tsx";

const KINDS: readonly (readonly [ScheduleKind, string, string])[] = [
  ["cron", "By calendar", "At times of day, on days of the week or month"],
  ["every", "At an interval", "Every so often, from when it is saved"],
  ["at", "Once", "At one time, and then it is finished"],
];

export type ScheduleEditorProps = {
  readonly draft: ScheduleDraft;
  readonly onChange: (draft: ScheduleDraft) => void;
  /** What the API said when it was last saved. */
  readonly errors: readonly FieldError[];
};

/** What a part of the editor gets: the draft, a way to change some of it, and what is wrong with each field. */
export type PartProps = {
  readonly draft: ScheduleDraft;
  readonly change: (changes: Partial<ScheduleDraft>) => void;
  readonly errorsAt: (field: string) => readonly string[];
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
          {draft.kind === "at" ? <AtEditor {...part} /> : null}
          <Bounds {...part} />
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

function Bounds({ draft, change, errorsAt }: PartProps) {
  const set = ["jitter", "starts_at", "ends_at", "max_runs"].some((name) => errorsAt(`schedule.${name}`).length > 0);
  const used = draft.jitter !== "" || draft.starts_at !== "" || draft.ends_at !== "" || draft.max_runs !== "";
  return (
    <details open={set || used}>
      <summary>Jitter and limits</summary>
      <div class="two">
        <TextField
          label="Jitter"
          hint="Delays every fire by a fixed part of this, so that jobs do not all fire at once."
          value={draft.jitter}
          onInput={(jitter) => change({ jitter })}
          errors={errorsAt("schedule.jitter")}
          input={{ placeholder: "5m" }}
        />
        <TextField
          label="Most runs"
          hint="Then it is finished."
          value={draft.max_runs}
          onInput={(max_runs) => change({ max_runs })}
          errors={errorsAt("schedule.max_runs")}
          input={{ inputMode: "numeric" }}
        />
        <TextField
          label="Not before"
          value={draft.starts_at}
          onInput={(starts_at) => change({ starts_at })}
          errors={errorsAt("schedule.starts_at")}
          input={{ placeholder: "2027-01-01T00:00:00Z" }}
        />
        <TextField
          label="Not after"
          value={draft.ends_at}
          onInput={(ends_at) => change({ ends_at })}
          errors={errorsAt("schedule.ends_at")}
          input={{ placeholder: "2027-12-31T23:59:59Z" }}
        />
      </div>
    </details>
  );
}

const ZONES = Intl.supportedValuesOf("timeZone");

/** The zone of a cron expression: any IANA name, the known ones offered. */
export function ZoneField({ draft, change, errorsAt }: PartProps) {
  return (
    <Field
      label="Time zone"
      errors={errorsAt("schedule.timezone")}
      hint={draft.timezone === "" ? "Empty is UTC." : undefined}
    >
      {(tie) => (
        <>
          <input
            {...tie}
            list="zones"
            value={draft.timezone}
            autocomplete="off"
            spellcheck={false}
            placeholder="UTC"
            onInput={(event) => change({ timezone: event.currentTarget.value })}
          />
          <datalist id="zones">
            {[...new Set(["UTC", VIEWER_ZONE, ...ZONES])].map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
