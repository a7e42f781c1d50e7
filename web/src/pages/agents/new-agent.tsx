/** Registers an agent: one that is called at its URL, or one that pulls its runs from a mailbox. */
import { useState } from "preact/hooks";
import { type Agent, putAgent } from "../../api/operator.ts";
import { SelectField, TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { required, useSubmission } from "../../parts/submission.ts";

export function NewAgent({ onSaved }: { readonly onSaved: (agent: Agent) => void }) {
  const [id, setId] = useState("");
  const [delivery, setDelivery] = useState<"push" | "pull">("push");
  const [url, setUrl] = useState("");
  const { problem, at, submit } = useSubmission({
    check: () => required("id", id),
    send: () => putAgent(id.trim(), delivery === "pull" ? { delivery } : { url: url.trim() }),
    onSaved: (agent) => {
      setId("");
      setUrl("");
      onSaved(agent);
    },
  });
  return (
    <form class="card inline-form" onSubmit={submit} aria-labelledby="new-agent" noValidate>
      <h2 id="new-agent">Register an agent</h2>
      <TextField label="Id" value={id} onInput={setId} errors={at("id")} input={{ placeholder: "research" }} />
      <SelectField
        label="Delivery"
        value={delivery}
        options={[
          ["push", "Call its URL"],
          ["pull", "It pulls from a mailbox"],
        ]}
        onSelect={setDelivery}
        errors={at("delivery")}
      />
      {delivery === "pull" ? null : (
        <TextField
          label="URL"
          value={url}
          onInput={setUrl}
          errors={at("url")}
          input={{ type: "url", placeholder: "https://agent.example.com/reveille" }}
        />
      )}
      <button type="submit" class="button main">
        Register
      </button>
      <ProblemBox problem={problem} />
    </form>
  );
}
