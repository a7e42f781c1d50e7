/** The agents that jobs can name. A secret is shown once, when it is generated. */
import { useState } from "preact/hooks";
import { type Agent, deleteAgent, listAgents } from "../../api/operator.ts";
import { useEverySeen } from "../../clock.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { curl, Empty } from "../../parts/empty.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { Table } from "../../parts/table.tsx";
import { link } from "../../route.ts";
import { isOperator } from "../../session.ts";
import { AgentSecret, NewSecret } from "./agent-secret.tsx";
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
      <p class="lead">A job that names an agent is delivered to it. All others go to the default agent, AGENT_URL.</p>
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
          <p>Register further agents here or from a shell, each under its own id.</p>
        </Empty>
      ) : null}
      {isOperator.value ? <NewAgent onSaved={saved} /> : null}
      <AgentSecret agent={made} onClose={() => setMade(undefined)} />
      {removing === undefined ? null : (
        <Confirm
          title="Remove this agent?"
          confirm="Remove agent"
          act={() => deleteAgent(removing.id)}
          done={`${removing.id} was removed`}
          onDone={list.reload}
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

/** `mailbox · 1 connected · 3 waiting`. */
function mailboxWords({ connected = 0, waiting = 0 }: Agent): string {
  return ["mailbox", connected === 0 ? "not connected" : `${connected} connected`, `${waiting} waiting`].join(" · ");
}
