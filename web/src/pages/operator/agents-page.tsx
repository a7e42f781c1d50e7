/** The agents that jobs can be routed to. A secret is shown once, when it is made. */
import { useState } from "preact/hooks";
import { type Agent, deleteAgent, listAgents, putAgent } from "../../api/operator.ts";
import { messagesAt, type Problem } from "../../api/problem.ts";
import { Action } from "../../parts/button.tsx";
import { CopyBlock } from "../../parts/copy.tsx";
import { Confirm, Dialog } from "../../parts/dialog.tsx";
import { curl, Empty } from "../../parts/empty.tsx";
import { TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { isOperator } from "../../session.ts";

export function AgentsPage() {
  const list = useResource("agents", listAgents);
  const [made, setMade] = useState<Agent>();
  const [removing, setRemoving] = useState<Agent>();
  const agents = list.value?.items ?? [];
  const saved = (agent: Agent) => {
    if (agent.secret !== undefined) setMade(agent);
    list.reload();
  };
  return (
    <>
      <h1>Agents</h1>
      <p class="lead">
        A job with an agent is sent to that agent's URL; any other goes to the default agent, AGENT_URL.
      </p>
      <ProblemBox problem={list.problem} onRetry={list.reload} />
      {agents.length === 0 ? null : (
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Agent</th>
              <th scope="col">URL</th>
              <th scope="col">
                <span class="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {agents.map((agent) => (
              <tr key={agent.id}>
                <td>{agent.id}</td>
                <td>
                  <code>{agent.url}</code>
                </td>
                <td class="row-actions">
                  {isOperator.value ? (
                    <>
                      <Action
                        tone="quiet"
                        label={`New secret for ${agent.id}`}
                        act={() => putAgent(agent.id, { url: agent.url, rotate: true })}
                        onDone={saved}
                      >
                        New secret
                      </Action>
                      <button
                        type="button"
                        class="button quiet"
                        aria-label={`Remove ${agent.id}`}
                        onClick={() => setRemoving(agent)}
                      >
                        Remove
                      </button>
                    </>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {list.value !== undefined && agents.length === 0 ? (
        <Empty
          title="No agents beside the default one"
          command={curl("PUT", "/v1/agents/research", { url: "https://agent.example.com/reveille" })}
        >
          <p>Register further agents under an id of their own: here, or from a shell.</p>
        </Empty>
      ) : null}
      {isOperator.value ? <NewAgent onSaved={saved} /> : null}
      {made?.secret === undefined ? null : (
        <Dialog title={`The secret of ${made.id}`} onClose={() => setMade(undefined)}>
          <div class="dialog-text">
            <p>Calls to this agent are signed with it. It is shown only now; keep it where the agent can read it.</p>
            <CopyBlock text={made.secret} what="Secret" />
          </div>
        </Dialog>
      )}
      {removing === undefined ? null : (
        <Confirm
          title="Remove this agent?"
          confirm="Remove agent"
          act={() => deleteAgent(removing.id)}
          done={`${removing.id} was removed`}
          onDone={() => {
            setRemoving(undefined);
            list.reload();
          }}
          onClose={() => setRemoving(undefined)}
        >
          <p>
            Jobs that name <strong>{removing.id}</strong> will end as errors that say so; no other agent is called for
            them.
          </p>
        </Confirm>
      )}
    </>
  );
}

function NewAgent({ onSaved }: { readonly onSaved: (agent: Agent) => void }) {
  const [id, setId] = useState("");
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
    const answer = await putAgent(id.trim(), { url: url.trim() });
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
      <TextField
        label="URL"
        value={url}
        onInput={setUrl}
        errors={messagesAt(problem, "url")}
        input={{ type: "url", placeholder: "https://agent.example.com/reveille" }}
      />
      <button type="submit" class="button main">
        Register
      </button>
      <ProblemBox problem={problem} />
    </form>
  );
}
