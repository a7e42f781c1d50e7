/** The editor of a recurrence rule: choices as in calendars, and the rule itself. Each follows the other. */
import { useState } from "preact/hooks";
import { AreaField, Field, SelectField, TextField } from "../../parts/field.tsx";
import {
  DEFAULT_RULE,
  RULE_RHYTHMS,
  type RuleRhythm,
  type RuleShape,
  ruleOf,
  ruleShapeOf,
  WEEKDAY_CODES,
  type WeekdayCode,
} from "../../time/rule-builder.ts";
import type { PartProps } from "./part.ts";
import { ZoneField } from "./zone-field.tsx";

const UNITS: Readonly<Record<RuleRhythm, string>> = { DAILY: "days", WEEKLY: "weeks", MONTHLY: "months" };
const NAMES: Readonly<Record<WeekdayCode, string>> = {
  MO: "Monday",
  TU: "Tuesday",
  WE: "Wednesday",
  TH: "Thursday",
  FR: "Friday",
  SA: "Saturday",
  SU: "Sunday",
};
const NTH = [
  ["1", "first"],
  ["2", "second"],
  ["3", "third"],
  ["4", "fourth"],
  ["-1", "last"],
] as const;

export function RuleEditor(props: PartProps) {
  const { draft, change, errorsAt } = props;
  const shape = ruleShapeOf(draft.rrule);
  const [last, setLast] = useState<RuleShape>(shape ?? DEFAULT_RULE);
  const set = (changes: Partial<RuleShape>) => {
    const next = { ...(shape ?? last), ...changes };
    setLast(next);
    change({ rrule: ruleOf(next) });
  };
  return (
    <>
      <div class="two">
        <TextField
          label="Every"
          value={shape === undefined ? "" : String(shape.interval)}
          onInput={(text) => set({ interval: Math.max(1, Math.trunc(Number(text)) || 1) })}
          input={{ type: "number", min: 1, placeholder: "…" }}
        />
        <SelectField
          label="Rhythm"
          value={shape?.rhythm ?? "own"}
          options={[
            ...RULE_RHYTHMS.map((rhythm) => [rhythm, UNITS[rhythm]] as const),
            ...(shape === undefined ? [["own", "As written below"] as const] : []),
          ]}
          onSelect={(rhythm) => {
            if (rhythm !== "own") set({ rhythm });
          }}
        />
      </div>
      {shape === undefined ? null : <Choices shape={shape} set={set} />}
      <div class="two">
        <AreaField
          label="Rule"
          hint="RFC 5545; EXDATE: and RDATE: lines may follow."
          rows={3}
          mono
          value={draft.rrule}
          onInput={(rrule) => change({ rrule })}
          errors={errorsAt("schedule.rrule")}
        />
        <ZoneField {...props} />
      </div>
    </>
  );
}

function Choices({ shape, set }: { readonly shape: RuleShape; readonly set: (changes: Partial<RuleShape>) => void }) {
  const toggle = (day: WeekdayCode) => {
    const { weekdays } = shape;
    const next = weekdays.includes(day) ? weekdays.filter((one) => one !== day) : [...weekdays, day];
    if (next.length > 0) set({ weekdays: next });
  };
  return (
    <>
      {shape.rhythm === "WEEKLY" ? (
        <fieldset class="weekdays">
          <legend>On</legend>
          {WEEKDAY_CODES.map((day) => (
            <label key={day}>
              <input type="checkbox" checked={shape.weekdays.includes(day)} onChange={() => toggle(day)} />
              <span>{NAMES[day].slice(0, 3)}</span>
            </label>
          ))}
        </fieldset>
      ) : null}
      {shape.rhythm === "MONTHLY" ? (
        <div class="two">
          <SelectField
            label="On the"
            value={String(shape.nth)}
            options={NTH}
            onSelect={(nth) => set({ nth: Number(nth) })}
          />
          <SelectField
            label="Weekday"
            value={shape.weekday}
            options={WEEKDAY_CODES.map((day) => [day, NAMES[day]] as const)}
            onSelect={(weekday) => set({ weekday })}
          />
        </div>
      ) : null}
      <Field label="At">
        {(tie) => (
          <input
            {...tie}
            type="time"
            value={shape.time}
            onInput={(event) => {
              if (event.currentTarget.value !== "") set({ time: event.currentTarget.value });
            }}
          />
        )}
      </Field>
    </>
  );
}
