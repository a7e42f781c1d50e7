/** The editor of a calendar schedule: choices for common schedules, and the expression itself. Each follows the other. */
import { useState } from "preact/hooks";
import { Field, SelectField, TextField } from "../../parts/field.tsx";
import { type CronShape, cronOf, DEFAULT_SHAPE, RHYTHMS, type Rhythm, shapeOf } from "../../time/cron-builder.ts";
import type { PartProps } from "./part.ts";
import { ZoneField } from "./zone-field.tsx";

const WORDS: Readonly<Record<Rhythm, string>> = {
  minutes: "Every few minutes",
  hourly: "Every hour",
  daily: "Every day",
  weekly: "On days of the week",
  monthly: "On a day of the month",
};
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const STEPS = ["1", "2", "5", "10", "15", "20", "30"];

export function CronEditor(props: PartProps) {
  const { draft, change, errorsAt } = props;
  const shape = shapeOf(draft.cron);
  // The last choice, so that nothing is lost by switching to "own expression" and back.
  const [last, setLast] = useState<CronShape>(shape ?? DEFAULT_SHAPE);
  const set = (changes: Partial<CronShape>) => {
    const next = { ...(shape ?? last), ...changes };
    setLast(next);
    change({ cron: cronOf(next) });
  };
  return (
    <>
      <SelectField
        label="Rhythm"
        value={shape?.rhythm ?? "own"}
        options={[
          ...RHYTHMS.map((rhythm) => [rhythm, WORDS[rhythm]] as const),
          ...(shape === undefined ? [["own", "As written below"] as const] : []),
        ]}
        onSelect={(rhythm) => {
          if (rhythm !== "own") set({ rhythm });
        }}
      />
      {shape === undefined ? null : <Choices shape={shape} set={set} />}
      <div class="two">
        <TextField
          label="Cron expression"
          hint="minute hour day month weekday"
          class="raw"
          value={draft.cron}
          onInput={(cron) => change({ cron })}
          errors={errorsAt("schedule.cron")}
        />
        <ZoneField {...props} />
      </div>
    </>
  );
}

function Choices({ shape, set }: { readonly shape: CronShape; readonly set: (changes: Partial<CronShape>) => void }) {
  const { rhythm } = shape;
  if (rhythm === "minutes") {
    const steps = [...new Set([...STEPS, String(shape.step)])];
    return (
      <SelectField
        label="Every"
        value={String(shape.step)}
        options={steps.map((step) => [step, step === "1" ? "minute" : `${step} minutes`] as const)}
        onSelect={(step) => set({ step: Number(step) })}
      />
    );
  }
  return (
    <>
      {rhythm === "weekly" ? <Weekdays chosen={shape.weekdays} set={(weekdays) => set({ weekdays })} /> : null}
      <div class="two">
        {rhythm === "monthly" ? (
          <SelectField
            label="Day"
            value={shape.day}
            options={[
              ...Array.from({ length: 31 }, (_, index) => [String(index + 1), String(index + 1)] as const),
              ["L", "the last"],
            ]}
            onSelect={(day) => set({ day })}
          />
        ) : null}
        {rhythm === "hourly" ? (
          <TextField
            label="At minute"
            value={String(shape.minute)}
            onInput={(text) => set({ minute: bounded(text, 59) })}
            input={{ type: "number", min: 0, max: 59 }}
          />
        ) : (
          <Field label="At">
            {(tie) => (
              <input
                {...tie}
                type="time"
                value={`${two(shape.hour)}:${two(shape.minute)}`}
                onInput={(event) => {
                  const [hour, minute] = event.currentTarget.value.split(":").map(Number);
                  if (hour !== undefined && minute !== undefined) set({ hour, minute });
                }}
              />
            )}
          </Field>
        )}
      </div>
    </>
  );
}

const two = (value: number): string => String(value).padStart(2, "0");
const bounded = (text: string, max: number): number => Math.min(max, Math.max(0, Math.trunc(Number(text)) || 0));

function Weekdays({
  chosen,
  set,
}: {
  readonly chosen: readonly number[];
  readonly set: (weekdays: readonly number[]) => void;
}) {
  const toggle = (day: number) => {
    const next = chosen.includes(day) ? chosen.filter((one) => one !== day) : [...chosen, day];
    if (next.length > 0) set(next);
  };
  return (
    <fieldset class="weekdays">
      <legend>On</legend>
      {[1, 2, 3, 4, 5, 6, 0].map((day) => (
        <label key={day}>
          <input type="checkbox" checked={chosen.includes(day)} onChange={() => toggle(day)} />
          <span>{DAYS[day]}</span>
        </label>
      ))}
    </fieldset>
  );
}
