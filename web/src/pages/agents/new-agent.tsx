/** Registers an agent: one that is called at its URL, or one that pulls its runs from a mailbox. */
import { useState } from "preact/hooks";
import { type Agent, putAgent } from "../../api/operator.ts";
import { messagesAt, type Problem } from "../../api/problem.ts";
import { SelectField, TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";

export function NewAgent({ onSaved }: { readonly onSaved: (agent: Agent) => void }) {
  const [id, setId] = useState("");
  const [delivery, setDelivery] = useState<"push" | "pull">("push");
  const [url, setUrl] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const save = async (event: Event) => {
    event.preventDefault();
    if (id.trim() === "")
      return setProblem({
        status: 0,
        code: "unsendable",
        title: "Not sent yet",
        detail: "The agent has no id.",
        errors: [{ path: "id", message: "is required" }],
      });
    const answer = await putAgent(id.trim(), delivery === "pull" ? { delivery } : { url: url.trim() });
    if (!answer.ok) return setProblem(answer.error);
    setProblem(undefined);
    setId("");
    setUrl("");
    onSaved(answer.value);
  };
  return (
    <form class="card inline-form" onSubmit={save} aria-labelledby="new-agent" noValidate>
      <h2 id="new-agent">Register an agent</h2>
      <TextField
        label="Id"
        value={id}
        onInput={setId}
        errors={messagesAt(problem, "id")}
        input={{ placeholder: "research" }}
      />
      <SelectField
        label="Delivery"
        value={delivery}
        options={[
          ["push", "Call its URL"],
          ["pull", "It pulls from a mailbox"],
        ]}
        onSelect={setDelivery}
        errors={messagesAt(problem, "delivery")}
      />
      {delivery === "pull" ? null : (
        <TextField
          label="URL"
          value={url}
          onInput={setUrl}
          errors={messagesAt(problem, "url")}
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
