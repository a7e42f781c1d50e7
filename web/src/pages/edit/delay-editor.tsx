/** The editor of a delay: choices for common delays, and any duration. */
import { TextField } from "../../parts/field.tsx";
import type { PartProps } from "./part.ts";

const USUAL = ["5m", "20m", "1h", "3h", "1d", "7d"];

export function DelayEditor({ draft, change, errorsAt }: PartProps) {
  return (
    <>
      <fieldset class="usual">
        <legend>In</legend>
        {USUAL.map((delay) => (
          <button
            key={delay}
            type="button"
            class="button"
            aria-pressed={draft.in === delay}
            onClick={() => change({ in: delay })}
          >
            {delay}
          </button>
        ))}
      </fieldset>
      <TextField
        label="Delay"
        class="raw"
        hint="Counted from the moment of saving, such as 90s, 20m, 1h30m, 2d."
        value={draft.in}
        onInput={(delay) => change({ in: delay })}
        errors={errorsAt("schedule.in")}
      />
    </>
  );
}
