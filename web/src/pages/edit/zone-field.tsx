/** The time zone of a schedule: any IANA name, with the known ones as suggestions. */
import { Field } from "../../parts/field.tsx";
import { VIEWER_ZONE } from "../../time/format.ts";
import type { PartProps } from "./part.ts";

const ZONES = [...new Set(["UTC", VIEWER_ZONE, ...Intl.supportedValuesOf("timeZone")])];

export function ZoneField({ draft, change, errorsAt }: PartProps) {
  return (
    <Field
      label="Time zone"
      errors={errorsAt("schedule.timezone")}
      hint={draft.timezone === "" ? "Leave it empty for UTC." : undefined}
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
            {ZONES.map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
