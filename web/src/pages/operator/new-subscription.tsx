/** The form that creates a subscription with one webhook; other targets are set over the API. */
import { useState } from "preact/hooks";
import { messagesAt, type Problem } from "../../api/problem.ts";
import { putSubscription, type Subscription } from "../../api/subscriptions.ts";
import { TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";

const EVENTS = [
  "run.failed",
  "run.recovered",
  "run.succeeded",
  "run.skipped",
  "job.paused",
  "job.overdue",
  "budget.reached",
  "fan_out.failed",
  "heartbeat.failed",
  "tick.late",
] as const;
const USUAL: readonly string[] = ["run.failed", "run.recovered", "job.paused"];

export function NewSubscription({ onSaved }: { readonly onSaved: (subscription: Subscription) => void }) {
  const [id, setId] = useState("");
  const [url, setUrl] = useState("");
  const [after, setAfter] = useState("1");
  const [cooldown, setCooldown] = useState("0s");
  const [events, setEvents] = useState<readonly string[]>(USUAL);
  const [problem, setProblem] = useState<Problem>();
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    if (id.trim() === "") {
      const errors = [{ path: "id", message: "is required" }];
      return setProblem({ status: 0, code: "unsendable", title: "Not sent yet", detail: "It has no id.", errors });
    }
    const body = {
      events,
      to: [{ type: "webhook", url: url.trim() }],
      after: Number(after),
      cooldown: cooldown.trim(),
    };
    const answer = await putSubscription(id.trim(), body);
    if (!answer.ok) return setProblem(answer.error);
    setProblem(undefined);
    setId("");
    setUrl("");
    onSaved(answer.value);
  };
  const toggle = (type: string) =>
    setEvents((old) => (old.includes(type) ? old.filter((one) => one !== type) : [...old, type]));
  return (
    <form class="card" onSubmit={save} aria-labelledby="new-subscription" noValidate>
      <h2 id="new-subscription">New subscription</h2>
      <div class="two">
        <TextField
          label="Id"
          value={id}
          onInput={setId}
          errors={messagesAt(problem, "id")}
          input={{ placeholder: "ops" }}
        />
        <TextField
          label="Webhook URL"
          value={url}
          onInput={setUrl}
          errors={messagesAt(problem, "to")}
          input={{ type: "url", placeholder: "https://hooks.example.com/reveille" }}
        />
        <TextField
          label="From how many failures in a row on"
          value={after}
          onInput={setAfter}
          errors={messagesAt(problem, "after")}
          input={{ type: "number", min: 1, max: 100 }}
        />
        <TextField
          label="Quiet time after a message about a job"
          value={cooldown}
          onInput={setCooldown}
          errors={messagesAt(problem, "cooldown")}
        />
      </div>
      <fieldset class="checks">
        <legend>Events</legend>
        {EVENTS.map((type) => (
          <label key={type}>
            <input type="checkbox" checked={events.includes(type)} onChange={() => toggle(type)} /> {type}
          </label>
        ))}
      </fieldset>
      <ProblemBox problem={problem} />
      <button type="submit" class="button main">
        Create subscription
      </button>
    </form>
  );
}
