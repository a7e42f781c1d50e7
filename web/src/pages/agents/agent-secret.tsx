/** The secret that signs the calls of an agent. A new one can be generated, and is then shown once. */
import { type Agent, putAgent } from "../../api/operator.ts";
import { Action } from "../../parts/button.tsx";
import { SecretDialog } from "../../parts/secret-dialog.tsx";

/** Generates a new secret in place of the present one. */
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

/** Shows the generated secret in an answer. Any other answer shows nothing. */
export function AgentSecret({ agent, onClose }: { readonly agent: Agent | undefined; readonly onClose: () => void }) {
  if (agent?.secret === undefined) return null;
  return (
    <SecretDialog title={`The secret of ${agent.id}`} what="Secret" secret={agent.secret} onClose={onClose}>
      It signs the calls to this agent. It is shown only now. Store it where the agent can read it.
    </SecretDialog>
  );
}
