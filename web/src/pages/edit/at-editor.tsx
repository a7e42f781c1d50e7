/** The editor of a single time. Its calendar in the viewer's zone is kept equal to the instant that the API takes. */
import { formatLocal } from "../../../../src/domain/time/instant.ts";
import { Field, TextField } from "../../parts/field.tsx";
import { VIEWER_ZONE, zoneName } from "../../time/format.ts";
import type { PartProps } from "./part.ts";

export function AtEditor({ draft, change, errorsAt }: PartProps) {
  const at = Date.parse(draft.at);
  const local = Number.isNaN(at) ? "" : formatLocal(at, VIEWER_ZONE).slice(0, 16);
  const choose = (chosen: string) => {
    const instant = new Date(chosen).getTime();
    if (!Number.isNaN(instant)) change({ at: formatLocal(instant, VIEWER_ZONE) });
  };
  return (
    <div class="two">
      <Field label={`At (${zoneName(VIEWER_ZONE)} time)`}>
        {(tie) => (
          <input {...tie} type="datetime-local" value={local} onInput={(event) => choose(event.currentTarget.value)} />
        )}
      </Field>
      <TextField
        label="Instant"
        class="raw"
        hint="With an offset, or a local time and its zone."
        value={draft.at}
        onInput={(typed) => change({ at: typed })}
        errors={errorsAt("schedule.at")}
        input={{ placeholder: "2027-01-15T14:30:00+08:00" }}
      />
    </div>
  );
}
