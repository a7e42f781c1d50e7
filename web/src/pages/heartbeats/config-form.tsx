/** The form of a heartbeat: interval, hours, models, notifiers. */
import { useState } from "preact/hooks";
import { announce } from "../../announce.ts";
import { type Heartbeat, putHeartbeat } from "../../api/heartbeats.ts";
import { messagesAt, type Problem } from "../../api/problem.ts";
import { AreaField, TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { isOperator } from "../../session.ts";

type Draft = {
  readonly [F in "every" | "agent_id" | "fast_model" | "model" | "start" | "end" | "timezone" | "notify"]: string;
} & { readonly enabled: boolean };

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

/** The body for a PUT; undefined where `notify` is not JSON. */
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
  const [problem, setProblem] = useState<Problem>();
  const change = (changes: Partial<Draft>) => setDraft((old) => ({ ...old, ...changes }));
  const body = bodyOf(draft);
  const save = async (event: Event) => {
    event.preventDefault();
    if (body === undefined) return;
    const answer = await putHeartbeat(heartbeat.name, body);
    if (!answer.ok) return setProblem(answer.error);
    setProblem(undefined);
    announce("The configuration was saved");
    onSaved(answer.value);
  };
  const at = (path: string) => messagesAt(problem, path);
  return (
    <form class="card" onSubmit={save} aria-labelledby="config-title" noValidate>
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
        <TextField label="Every" value={draft.every} onInput={(every) => change({ every })} errors={at("every")} />
        <TextField
          label="Agent"
          hint="Empty is the default agent."
          value={draft.agent_id}
          onInput={(agent_id) => change({ agent_id })}
          errors={at("agent_id")}
        />
        <TextField
          label="Decision model"
          value={draft.fast_model}
          onInput={(fast_model) => change({ fast_model })}
          errors={at("fast_model")}
        />
        <TextField label="Main model" value={draft.model} onInput={(model) => change({ model })} errors={at("model")} />
        <TextField
          label="Active from"
          value={draft.start}
          onInput={(start) => change({ start })}
          errors={at("active_hours.start")}
          input={{ placeholder: "08:00" }}
        />
        <TextField
          label="Active until"
          value={draft.end}
          onInput={(end) => change({ end })}
          errors={at("active_hours.end")}
          input={{ placeholder: "22:00" }}
        />
        <TextField
          label="Time zone"
          value={draft.timezone}
          onInput={(timezone) => change({ timezone })}
          errors={at("active_hours.timezone")}
          input={{ placeholder: "UTC" }}
        />
      </div>
      <AreaField
        label="Notifiers"
        hint="A JSON list of webhook, slack, discord and telegram. Empty is NOTIFY_URL. Secrets are shown masked; leave them so to keep them."
        rows={4}
        mono
        value={draft.notify}
        onInput={(notify) => change({ notify })}
        errors={body === undefined ? ["is not JSON"] : at("notify")}
      />
      <ProblemBox problem={problem} />
      {isOperator.value ? (
        <button type="submit" class="button">
          Save configuration
        </button>
      ) : null}
    </form>
  );
}
