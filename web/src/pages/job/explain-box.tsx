/** Asks the API why the job did or did not run at some time, and shows the answer. */
import { useState } from "preact/hooks";
import { type Explanation, explainJob, type Job } from "../../api/jobs.ts";
import { Action } from "../../parts/button.tsx";
import { TextField } from "../../parts/field.tsx";
import { VIEWER_ZONE, zoneName } from "../../time/format.ts";

export function ExplainBox({ job }: { readonly job: Job }) {
  const [local, setLocal] = useState("");
  const [answer, setAnswer] = useState<Explanation>();
  const at = local === "" ? undefined : new Date(local);
  const isValid = at === undefined || !Number.isNaN(at.getTime());
  return (
    <section class="card explain" aria-labelledby="explain-title">
      <h2 id="explain-title">Why did it, or did it not, run?</h2>
      <div class="explain-ask">
        <TextField
          label={`At (${zoneName(VIEWER_ZONE)} time)`}
          hint="Leave it empty for the present."
          value={local}
          onInput={setLocal}
          errors={isValid ? [] : ["is not a date and time"]}
          input={{ type: "datetime-local", step: 1 }}
        />
        <Action act={() => explainJob(job.id, isValid ? at?.toISOString() : undefined)} onDone={setAnswer}>
          Explain
        </Action>
      </div>
      <div aria-live="polite">
        {answer === undefined ? null : (
          <p class="explanation">
            <span class={`chip verdict-${answer.verdict}`}>{answer.verdict.replaceAll("_", " ")}</span>{" "}
            {answer.explanation}
          </p>
        )}
      </div>
    </section>
  );
}
