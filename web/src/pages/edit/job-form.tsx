/** The form that creates or changes a job. The API finds the faults, and the form shows them at the fields. */
import { useState } from "preact/hooks";
import type { Answer } from "../../api/client.ts";
import type { AdvisedJob } from "../../api/jobs.ts";
import { DraftArea, type DraftForm, DraftText } from "../../parts/draft-field.tsx";
import { SelectField } from "../../parts/field.tsx";
import { Fold } from "../../parts/fold.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useSubmission } from "../../parts/submission.ts";
import { isOperator } from "../../session.ts";
import { bodyOf, type Draft } from "./draft.ts";
import { ScheduleEditor } from "./schedule-editor.tsx";

export type JobFormProps = {
  readonly initial: Draft;
  readonly submitLabel: string;
  readonly cancelTo: string;
  readonly submit: (draft: Draft) => Promise<Answer<AdvisedJob>>;
  readonly onSaved: (job: AdvisedJob) => void;
  /** The action beside the problem after a failed save. */
  readonly onReload?: () => void;
};

export function JobForm({ initial, submitLabel, cancelTo, submit, onSaved, onReload }: JobFormProps) {
  const [draft, setDraft] = useState(initial);
  const change = (changes: Partial<Draft>) => setDraft((old) => ({ ...old, ...changes }));
  const set = (name: TextName, text: string) => change({ [name]: text });
  const submission = useSubmission({ check: () => bodyOf(draft).errors, send: () => submit(draft), onSaved });
  const { problem, at } = submission;
  const form = { draft, change, set, at };
  return (
    <form class="job-form" onSubmit={submission.submit} noValidate>
      <DraftText form={form} name="name" label="Name" input={{ name: "name", maxLength: 200 }} />
      <ScheduleEditor
        draft={draft.schedule}
        onChange={(schedule) => {
          change({ schedule });
          submission.forget("schedule");
        }}
        errors={(problem?.errors ?? []).filter(({ path }) => path.startsWith("schedule"))}
      />
      <DraftArea form={form} name="message" label="Message" hint="The prompt that your agent receives." rows={4} />
      <AgentAndUsers {...form} />
      <RetriesAndLimits {...form} />
      <ProblemBox
        problem={problem}
        {...(problem?.code === "precondition_failed" && onReload !== undefined ? { onRetry: onReload } : {})}
      />
      <div class="form-end">
        <button type="submit" class="button main" aria-busy={submission.busy}>
          {submitLabel}
        </button>
        <a class="button quiet" href={cancelTo}>
          Cancel
        </a>
      </div>
    </form>
  );
}

/** The fields of the draft that are free text. */
type TextName = { readonly [F in keyof Draft]: string extends Draft[F] ? F : never }[keyof Draft];
type PartProps = DraftForm<TextName> & {
  readonly draft: Draft;
  readonly change: (changes: Partial<Draft>) => void;
};

const SCOPES = [
  ["", "Once, or as the user below"],
  ["system", "Once, as no user"],
  ["user", "As one user"],
  ["all_users", "For every active user"],
] as const;

function AgentAndUsers(form: PartProps) {
  const { draft, change, at } = form;
  const scopes = SCOPES.filter(
    ([scope]) => scope !== "all_users" || isOperator.value || draft.exec_scope === "all_users",
  );
  return (
    <Fold
      class="form-part"
      summary="Agent and users"
      isUsed={draft.user_id !== "" || draft.agent_id !== "" || draft.exec_scope === "all_users"}
      isWrong={["agent_id", "user_id", "exec_scope", "fan_out"].some((path) => at(path).length > 0)}
    >
      <div class="two">
        <DraftText form={form} name="agent_id" label="Agent" hint="Leave it empty for the default agent." />
        <SelectField
          label="Runs"
          value={draft.exec_scope}
          options={scopes}
          onSelect={(exec_scope) => change({ exec_scope })}
          errors={at("exec_scope")}
        />
        <DraftText form={form} name="user_id" label="User" />
        <SelectField
          label="Session"
          value={draft.session_mode}
          options={[
            ["reuse", "The same for every run"],
            ["new", "A new one for every run"],
          ]}
          onSelect={(session_mode) => change({ session_mode })}
          errors={at("session_mode")}
        />
        {draft.exec_scope === "all_users" ? (
          <>
            <DraftText
              form={form}
              name="concurrency"
              path="fan_out.concurrency"
              label="Users at once"
              input={{ inputMode: "numeric" }}
            />
            <DraftText
              form={form}
              name="rate_per_minute"
              path="fan_out.rate_per_minute"
              label="Users a minute"
              hint="Leave it empty for no limit."
              input={{ inputMode: "numeric" }}
            />
          </>
        ) : null}
      </div>
    </Fold>
  );
}

const LIMIT_PATHS = [
  "overlap",
  "timeout",
  "completion_timeout",
  "catchup_window",
  "retry",
  "description",
  "labels",
  "payload",
];
const OVERLAPS = [
  ["skip", "Skip the new run"],
  ["buffer_one", "Let one wait"],
  ["cancel_other", "Cancel the run"],
  ["allow_all", "Run both"],
] as const;

function RetriesAndLimits(form: PartProps) {
  const { draft, change, at } = form;
  return (
    <Fold
      class="form-part"
      summary="Retries, limits, labels, payload"
      isWrong={LIMIT_PATHS.some((path) => at(path).length > 0)}
    >
      <div class="two">
        <SelectField
          label="When it is due while a run is active"
          value={draft.overlap}
          options={OVERLAPS}
          onSelect={(overlap) => change({ overlap })}
          errors={at("overlap")}
        />
        <DraftText form={form} name="catchup_window" label="Catch up missed runs for" />
        <DraftText form={form} name="timeout" label="Time to answer" />
        <DraftText form={form} name="completion_timeout" label="Time to complete after a 202" />
        <DraftText
          form={form}
          name="max_attempts"
          path="retry.max_attempts"
          label="Attempts"
          input={{ inputMode: "numeric" }}
        />
        <DraftText form={form} name="min_backoff" path="retry.min_backoff" label="First backoff" />
        <DraftText form={form} name="max_backoff" path="retry.max_backoff" label="Longest backoff" />
        <DraftText form={form} name="description" label="Description" />
        <DraftArea form={form} name="labels" label="Labels" hint="One a line, as key: value." rows={3} />
        <DraftArea
          form={form}
          name="payload"
          label="Payload"
          hint="A JSON object, sent to the agent unchanged."
          rows={3}
          mono
        />
      </div>
    </Fold>
  );
}
