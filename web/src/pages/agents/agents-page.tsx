/** The agents that jobs can be routed to. A secret is shown once, when it is made. */
import { useState } from "preact/hooks";
import { type Agent, deleteAgent, listAgents, putAgent } from "../../api/operator.ts";
import { useEverySeen } from "../../clock.ts";
import { Action } from "../../parts/button.tsx";
import { CopyBlock } from "../../parts/copy.tsx";
import { Confirm, Dialog } from "../../parts/dialog.tsx";
import { curl, Empty } from "../../parts/empty.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { Table } from "../../parts/table.tsx";
import { link } from "../../route.ts";
import { isOperator } from "../../session.ts";
import { NewAgent } from "./new-agent.tsx";

const REFRESH_MS = 10_000;

export function AgentsPage() {
  const list = useResource("agents", listAgents);
  const [made, setMade] = useState<Agent>();
  const [removing, setRemoving] = useState<Agent>();
  const agents = list.value?.items ?? [];
  const saved = (agent: Agent) => {
    if (agent.secret !== undefined) setMade(agent);
    list.reload();
  };
  useEverySeen(REFRESH_MS, list.reload);
  return (
    <>
      <h1>Agents</h1>
      <p class="lead">A job that names an agent is delivered to it; any other goes to the default agent, AGENT_URL.</p>
      <ProblemBox problem={list.problem} onRetry={list.reload} />
      {agents.length === 0 ? null : (
        <Table columns={["Agent", "Delivery"]} hasActions>
          {agents.map((agent) => (
            <tr key={agent.id}>
              <td>
                <a href={link("agents", agent.id)}>{agent.id}</a>
              </td>
              <td>{agent.url === undefined ? mailboxWords(agent) : <code>{agent.url}</code>}</td>
              <td class="row-actions">
                {isOperator.value ? (
                  <>
                    {agent.url === undefined ? null : <NewSecret agent={agent} onDone={saved} />}
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
        </Table>
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

/** Makes a new secret in place of the one there is. */
export function NewSecret({ agent, onDone }: { readonly agent: Agent; readonly onDone: (agent: Agent) => void }) {
  const url = agent.url ?? "";
  return (
    <Action
      tone="quiet"
      label={`New secret for ${agent.id}`}
      act={() => putAgent(agent.id, { url, rotate: true })}
      onDone={onDone}
    >
      New secret
    </Action>
  );
}

/** `mailbox · 1 connected · 3 waiting`. */
function mailboxWords({ connected = 0, waiting = 0 }: Agent): string {
  return ["mailbox", connected === 0 ? "not connected" : `${connected} connected`, `${waiting} waiting`].join(" · ");
}
