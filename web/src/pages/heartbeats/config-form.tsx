/** The form of a heartbeat: interval, hours, models, notifiers. */
import { useState } from "preact/hooks";
import { announce } from "../../announce.ts";
import { type Heartbeat, putHeartbeat } from "../../api/heartbeats.ts";
import { DraftArea, DraftText } from "../../parts/draft-field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useSubmission } from "../../parts/submission.ts";
import { isOperator } from "../../session.ts";

type TextName = "every" | "agent_id" | "fast_model" | "model" | "start" | "end" | "timezone" | "notify";
type Draft = { readonly [F in TextName]: string } & { readonly enabled: boolean };

const draftOf = (heartbeat: Heartbeat): Draft => ({
  enabled: heartbeat.enabled,
  every: heartbeat.every,
  agent_id: heartbeat.agent_id ?? "",
  fast_model: heartbeat.fast_model ?? "",
  model: heartbeat.model ?? "",
  start: heartbeat.active_hours?.start ?? "",
  end: heartbeat.active_hours?.end ?? "",
  timezone: heartbeat.active_hours?.timezone ?? "",
  notify: heartbeat.notify === undefined ? "" : JSON.stringify(heartbeat.notify, null, 2),
});

const NOT_JSON = "is not JSON";

/** The body for a PUT. Undefined if `notify` is not JSON. */
function bodyOf(draft: Draft): unknown {
  const text = (name: "agent_id" | "fast_model" | "model") =>
    draft[name].trim() === "" ? {} : { [name]: draft[name].trim() };
  const hasHours = draft.start !== "" || draft.end !== "";
  try {
    return {
      enabled: draft.enabled,
      every: draft.every.trim(),
      ...text("agent_id"),
      ...text("fast_model"),
      ...text("model"),
      ...(hasHours
        ? {
            active_hours: {
              start: draft.start,
              end: draft.end,
              ...(draft.timezone === "" ? {} : { timezone: draft.timezone }),
            },
          }
        : {}),
      ...(draft.notify.trim() === "" ? {} : { notify: JSON.parse(draft.notify) }),
    };
  } catch {
    return undefined;
  }
}

export function ConfigForm({
  heartbeat,
  onSaved,
}: {
  readonly heartbeat: Heartbeat;
  readonly onSaved: (heartbeat: Heartbeat) => void;
}) {
  const [draft, setDraft] = useState(() => draftOf(heartbeat));
  const body = bodyOf(draft);
  const submission = useSubmission({
    check: () => (body === undefined ? [{ path: "notify", message: NOT_JSON }] : []),
    send: () => putHeartbeat(heartbeat.name, body),
    onSaved: (saved) => {
      announce("The configuration was saved");
      onSaved(saved);
    },
  });
  const change = (changes: Partial<Draft>) => setDraft((old) => ({ ...old, ...changes }));
  const form = {
    draft,
    set: (name: TextName, text: string) => change({ [name]: text }),
    at: (path: string) => (path === "notify" && body === undefined ? [NOT_JSON] : submission.at(path)),
  };
  return (
    <form class="card" onSubmit={submission.submit} aria-labelledby="config-title" noValidate>
      <h2 id="config-title">Configuration</h2>
      <label class="check">
        <input
          type="checkbox"
          checked={draft.enabled}
          onChange={(event) => change({ enabled: event.currentTarget.checked })}
        />{" "}
        Enabled
      </label>
      <div class="two">
        <DraftText form={form} name="every" label="Every" />
        <DraftText form={form} name="agent_id" label="Agent" hint="Leave it empty for the default agent." />
        <DraftText form={form} name="fast_model" label="Decision model" />
        <DraftText form={form} name="model" label="Main model" />
        <DraftText
          form={form}
          name="start"
          path="active_hours.start"
          label="Active from"
          input={{ placeholder: "08:00" }}
        />
        <DraftText
          form={form}
          name="end"
          path="active_hours.end"
          label="Active until"
          input={{ placeholder: "22:00" }}
        />
        <DraftText
          form={form}
          name="timezone"
          path="active_hours.timezone"
          label="Time zone"
          input={{ placeholder: "UTC" }}
        />
      </div>
      <DraftArea
        form={form}
        name="notify"
        label="Notifiers"
        hint="A JSON list of webhook, slack, discord and telegram. Empty is NOTIFY_URL. Secrets are shown masked; leave them so to keep them."
        rows={4}
        mono
      />
      <ProblemBox problem={submission.problem} />
      {isOperator.value ? (
        <button type="submit" class="button">
          Save configuration
        </button>
      ) : null}
    </form>
  );
}
