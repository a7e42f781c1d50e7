/** The form that makes a job and changes one. What is wrong is said by the API and shown at the field. */
import { useState } from "preact/hooks";
import type { Answer } from "../../api/client.ts";
import type { AdvisedJob } from "../../api/jobs.ts";
import { type FieldError, messagesAt, type Problem } from "../../api/problem.ts";
import { AreaField, SelectField, TextField } from "../../parts/field.tsx";
import { Fold } from "../../parts/fold.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { isOperator } from "../../session.ts";
import { bodyOf, type Draft } from "./draft.ts";
import { ScheduleEditor } from "./schedule-editor.tsx";

export type JobFormProps = {
  readonly initial: Draft;
  readonly submitLabel: string;
  readonly cancelTo: string;
  readonly submit: (draft: Draft) => Promise<Answer<AdvisedJob>>;
  readonly onSaved: (job: AdvisedJob) => void;
  /** Beside the problem, where saving failed. */
  readonly onReload?: () => void;
};

export function JobForm({ initial, submitLabel, cancelTo, submit, onSaved, onReload }: JobFormProps) {
  const [draft, setDraft] = useState(initial);
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const change = (changes: Partial<Draft>) => setDraft((old) => ({ ...old, ...changes }));
  const save = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const { errors } = bodyOf(draft);
    if (errors.length > 0) return setProblem(unsendable(errors));
    setBusy(true);
    const answer = await submit(draft);
    setBusy(false);
    if (answer.ok) onSaved(answer.value);
    else setProblem(answer.error);
  };
  const at = (path: string) => messagesAt(problem, path);
  return (
    <form class="job-form" onSubmit={save} noValidate>
      <TextField
        label="Name"
        value={draft.name}
        onInput={(name) => change({ name })}
        errors={at("name")}
        input={{ name: "name", maxLength: 200 }}
      />
      <ScheduleEditor
        draft={draft.schedule}
        onChange={(schedule) => {
          change({ schedule });
          setProblem((old) =>
            old === undefined
              ? old
              : { ...old, errors: (old.errors ?? []).filter(({ path }) => !path.startsWith("schedule")) },
          );
        }}
        errors={(problem?.errors ?? []).filter(({ path }) => path.startsWith("schedule"))}
      />
      <AreaField
        label="Message"
        hint="What your agent is asked when it is woken."
        rows={4}
        value={draft.message}
        onInput={(message) => change({ message })}
        errors={at("message")}
      />
      <Whom draft={draft} change={change} at={at} />
      <How draft={draft} change={change} at={at} />
      <ProblemBox
        problem={problem}
        {...(problem?.code === "precondition_failed" && onReload !== undefined ? { onRetry: onReload } : {})}
      />
      <div class="form-end">
        <button type="submit" class="button main" aria-busy={busy}>
          {submitLabel}
        </button>
        <a class="button quiet" href={cancelTo}>
          Cancel
        </a>
      </div>
    </form>
  );
}

const unsendable = (errors: readonly FieldError[]): Problem => ({
  status: 0,
  code: "unsendable",
  title: "Not sent yet",
  detail: errors.map(({ path, message }) => `${path}: ${message}`).join("; "),
  errors,
});

type PartProps = {
  readonly draft: Draft;
  readonly change: (changes: Partial<Draft>) => void;
  readonly at: (path: string) => readonly string[];
};

const SCOPES = [
  ["", "Once, or as the user below"],
  ["system", "Once, as no user"],
  ["user", "As one user"],
  ["all_users", "For every active user"],
] as const;

function Whom({ draft, change, at }: PartProps) {
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
        <TextField
          label="Agent"
          hint="Empty is the default agent."
          value={draft.agent_id}
          onInput={(agent_id) => change({ agent_id })}
          errors={at("agent_id")}
        />
        <SelectField
          label="Runs"
          value={draft.exec_scope}
          options={scopes}
          onSelect={(exec_scope) => change({ exec_scope })}
          errors={at("exec_scope")}
        />
        <TextField
          label="User"
          value={draft.user_id}
          onInput={(user_id) => change({ user_id })}
          errors={at("user_id")}
        />
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
            <TextField
              label="Users at once"
              value={draft.concurrency}
              onInput={(concurrency) => change({ concurrency })}
              errors={at("fan_out.concurrency")}
              input={{ inputMode: "numeric" }}
            />
            <TextField
              label="Users a minute"
              hint="Empty is no limit."
              value={draft.rate_per_minute}
              onInput={(rate_per_minute) => change({ rate_per_minute })}
              errors={at("fan_out.rate_per_minute")}
              input={{ inputMode: "numeric" }}
            />
          </>
        ) : null}
      </div>
    </Fold>
  );
}

const HOW_PATHS = [
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

function How({ draft, change, at }: PartProps) {
  return (
    <Fold
      class="form-part"
      summary="Retries, limits, labels, payload"
      isWrong={HOW_PATHS.some((path) => at(path).length > 0)}
    >
      <div class="two">
        <SelectField
          label="When it is due while a run is active"
          value={draft.overlap}
          options={OVERLAPS}
          onSelect={(overlap) => change({ overlap })}
          errors={at("overlap")}
        />
        <TextField
          label="Catch up missed runs for"
          value={draft.catchup_window}
          onInput={(catchup_window) => change({ catchup_window })}
          errors={at("catchup_window")}
        />
        <TextField
          label="Time to answer"
          value={draft.timeout}
          onInput={(timeout) => change({ timeout })}
          errors={at("timeout")}
        />
        <TextField
          label="Time to complete after a 202"
          value={draft.completion_timeout}
          onInput={(completion_timeout) => change({ completion_timeout })}
          errors={at("completion_timeout")}
        />
        <TextField
          label="Attempts"
          value={draft.max_attempts}
          onInput={(max_attempts) => change({ max_attempts })}
          errors={at("retry.max_attempts")}
          input={{ inputMode: "numeric" }}
        />
        <TextField
          label="First backoff"
          value={draft.min_backoff}
          onInput={(min_backoff) => change({ min_backoff })}
          errors={at("retry.min_backoff")}
        />
        <TextField
          label="Longest backoff"
          value={draft.max_backoff}
          onInput={(max_backoff) => change({ max_backoff })}
          errors={at("retry.max_backoff")}
        />
        <TextField
          label="Description"
          value={draft.description}
          onInput={(description) => change({ description })}
          errors={at("description")}
        />
        <AreaField
          label="Labels"
          hint="One a line, as key: value."
          rows={3}
          value={draft.labels}
          onInput={(labels) => change({ labels })}
          errors={at("labels")}
        />
        <AreaField
          label="Payload"
          hint="A JSON object, handed to the agent as it is."
          rows={3}
          mono
          value={draft.payload}
          onInput={(payload) => change({ payload })}
          errors={at("payload")}
        />
      </div>
    </Fold>
  );
}
