/** The form that creates a subscription with one webhook. Other targets are set over the API. */
import { useState } from "preact/hooks";
import { EVENT_TYPES } from "../../../../src/schema/event-types.ts";
import { putSubscription, type Subscription } from "../../api/subscriptions.ts";
import { TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { required, useSubmission } from "../../parts/submission.ts";

const USUAL: readonly string[] = ["run.failed", "run.recovered", "job.paused"];

export function NewSubscription({ onSaved }: { readonly onSaved: (subscription: Subscription) => void }) {
  const [id, setId] = useState("");
  const [url, setUrl] = useState("");
  const [after, setAfter] = useState("1");
  const [cooldown, setCooldown] = useState("0s");
  const [events, setEvents] = useState<readonly string[]>(USUAL);
  const to = [{ type: "webhook", url: url.trim() }];
  const { problem, at, submit } = useSubmission({
    check: () => required("id", id),
    send: () => putSubscription(id.trim(), { events, to, after: Number(after), cooldown: cooldown.trim() }),
    onSaved: (subscription) => {
      setId("");
      setUrl("");
      onSaved(subscription);
    },
  });
  const toggle = (type: string) =>
    setEvents((old) => (old.includes(type) ? old.filter((one) => one !== type) : [...old, type]));
  return (
    <form class="card" onSubmit={submit} aria-labelledby="new-subscription" noValidate>
      <h2 id="new-subscription">New subscription</h2>
      <div class="two">
        <TextField label="Id" value={id} onInput={setId} errors={at("id")} input={{ placeholder: "ops" }} />
        <TextField
          label="Webhook URL"
          value={url}
          onInput={setUrl}
          errors={at("to")}
          input={{ type: "url", placeholder: "https://hooks.example.com/reveille" }}
        />
        <TextField
          label="Send from this number of failures in a row on"
          value={after}
          onInput={setAfter}
          errors={at("after")}
          input={{ type: "number", min: 1, max: 100 }}
        />
        <TextField
          label="Quiet time after a message about a job"
          value={cooldown}
          onInput={setCooldown}
          errors={at("cooldown")}
        />
      </div>
      <fieldset class="checks">
        <legend>Events</legend>
        {EVENT_TYPES.map((type) => (
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
