/** The bounds of a schedule of any kind: exclusions, jitter, a beginning, an end, a number of runs. */
import { AreaField, TextField } from "../../parts/field.tsx";
import { Fold } from "../../parts/fold.tsx";
import { takesExclusions } from "./draft.ts";
import type { PartProps } from "./part.ts";
import { ZoneField } from "./zone-field.tsx";

const PATHS = ["exclude", "jitter", "starts_at", "ends_at", "max_runs"] as const;

export function Bounds(props: PartProps) {
  const { draft, change, errorsAt } = props;
  const isWrong = PATHS.some((name) => errorsAt(`schedule.${name}`).length > 0);
  const isUsed = PATHS.some((name) => draft[name] !== "");
  const excludes = takesExclusions(draft.kind);
  return (
    <Fold summary={excludes ? "Exclusions, jitter and limits" : "Jitter and limits"} isUsed={isUsed} isWrong={isWrong}>
      {excludes ? (
        <div class="two exclusions">
          <AreaField
            label="Not on"
            hint="One a line: 2026-12-25, 2026-12-24/2027-01-01, SAT, or 22:00-07:00."
            rows={3}
            mono
            value={draft.exclude}
            onInput={(exclude) => change({ exclude })}
            errors={errorsAt("schedule.exclude")}
          />
          {draft.kind === "every" && draft.exclude.trim() !== "" ? <ZoneField {...props} /> : null}
        </div>
      ) : null}
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
          hint="The job is finished afterwards."
          value={draft.max_runs}
          onInput={(max_runs) => change({ max_runs })}
          errors={errorsAt("schedule.max_runs")}
          input={{ inputMode: "numeric" }}
        />
        <TextField
          label={draft.kind === "every" || draft.kind === "rrule" ? "Starts at" : "Not before"}
          hint={draft.kind === "every" ? "Counted from here; may be past." : undefined}
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
    </Fold>
  );
}
