/** The editor of an interval: a number and a unit, kept equal to the duration that the API takes. */
import { Field, TextField } from "../../parts/field.tsx";
import type { PartProps } from "./part.ts";

const UNITS = [
  ["s", "seconds"],
  ["m", "minutes"],
  ["h", "hours"],
  ["d", "days"],
  ["w", "weeks"],
] as const;

export function EveryEditor({ draft, change, errorsAt }: PartProps) {
  const [, count = "", unit = ""] = /^(\d+)([smhdw])$/.exec(draft.every.trim()) ?? [];
  return (
    <div class="two">
      <Field label="Every">
        {(tie) => (
          <span class="joined">
            <input
              {...tie}
              type="number"
              min={1}
              value={count}
              placeholder="…"
              onInput={(event) => change({ every: `${event.currentTarget.value}${unit === "" ? "m" : unit}` })}
            />
            <select
              aria-label="Unit"
              value={unit}
              onChange={(event) => change({ every: `${count === "" ? "1" : count}${event.currentTarget.value}` })}
            >
              {unit === "" ? <option value="">as written</option> : null}
              {UNITS.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </span>
        )}
      </Field>
      <TextField
        label="Duration"
        class="raw"
        hint="Such as 90s, 30m, 1h30m, 2d."
        value={draft.every}
        onInput={(every) => change({ every })}
        errors={errorsAt("schedule.every")}
      />
    </div>
  );
}
