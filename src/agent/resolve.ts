/**
 * The agent that gets a job's calls (docs/contract.md §2, §4). It is the registered one that the job names, else the
 * default one.
 */
import { defaultMailbox, deliveryOf, findAgent } from "../directory/agents.ts";
import type { AgentHeaders } from "../domain/agent/headers.ts";
import { secretsOf } from "../domain/agent/registration.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { Env, Settings } from "../env.ts";
import { endpointError } from "../outbound/endpoint.ts";
import type { Secrets } from "../outbound/signature.ts";

/** An agent with an address. `fetch` replaces the global one if the agent is a service binding. */
export type Agent = {
  readonly url: string;
  readonly secret: Secrets;
  readonly headers?: AgentHeaders | undefined;
  /** A template for the body of calls, in place of our own body. */
  readonly body?: unknown;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
};

/** The way to an agent: a call to its URL, or its mailbox. */
export type Channel =
  | { readonly kind: "push"; readonly agent: Agent }
  | { readonly kind: "mailbox"; readonly agentId: string };

/** The URL that a bound Worker sees. Its host is never looked up. */
const BINDING_URL = "https://agent.internal/";

/**
 * The agent to call, or a sentence why there is none. If the job names a missing agent, no other one is called. The default
 * agent needs no lookup. A named agent is read from the directory at most once a minute (`now` is epoch ms). Throws if the
 * directory cannot be reached, since the job is not at fault and the call can be tried again.
 */
export async function resolveAgent(
  env: Env,
  settings: Settings,
  agentId: string | undefined,
  now = Date.now(),
): Promise<Result<Agent, string>> {
  const channel = await resolveChannel(env, settings, agentId, now);
  if (!channel.ok) return channel;
  if (channel.value.kind === "push") return ok(channel.value.agent);
  return err(`agent "${channel.value.agentId}" has no address (delivery: pull), so it cannot be called`);
}

/** The way to the agent of a run, found like {@link resolveAgent}. An agent without an address has a mailbox. */
export async function resolveChannel(
  env: Env,
  settings: Settings,
  agentId: string | undefined,
  now: number,
): Promise<Result<Channel, string>> {
  const id = calledAgentId(env, settings, agentId);
  if (id === undefined) {
    const agent = defaultAgent(env, settings);
    return agent.ok ? ok({ kind: "push", agent: agent.value }) : agent;
  }
  const agent = await findAgent(env, settings, id, now);
  if (agent === undefined) return err(`agent "${id}" is not registered: PUT /v1/agents/${id}`);
  if (deliveryOf(agent) === "pull") return ok({ kind: "mailbox", agentId: id });
  const { url, headers, body } = agent;
  return ok({ kind: "push", agent: { url, secret: secretsOf(agent, now), headers, body } });
}

/** The agent by its id that a job's calls go to, which is AGENT_ID's for a job that names none. Undefined: the default agent has a URL. */
export const calledAgentId = (env: Env, settings: Settings, agentId: string | undefined): string | undefined =>
  agentId || defaultMailbox(env, settings);

function defaultAgent(env: Env, settings: Settings): Result<Agent, string> {
  const binding = env.AGENT;
  if (binding === undefined && settings.AGENT_URL === undefined) {
    return err(
      "no agent is configured: set AGENT_URL and AGENT_SECRET, or AGENT_ID for one without an address, or name a registered agent in agent_id",
    );
  }
  if (settings.AGENT_SECRET === undefined) {
    return err(
      'the default agent has no secret: set AGENT_SECRET, for example to "whsec_" and the output of openssl rand -base64 32',
    );
  }
  const { AGENT_SECRET, AGENT_SECRET_PREVIOUS } = settings;
  const secret = AGENT_SECRET_PREVIOUS === undefined ? AGENT_SECRET : [AGENT_SECRET, AGENT_SECRET_PREVIOUS];
  const url = settings.AGENT_URL ?? BINDING_URL;
  const wrong = endpointError(url, { allowLoopbackHttp: settings.LOCAL });
  if (wrong !== undefined) return err(`the default agent cannot be called, correct AGENT_URL: ${wrong}`);
  if (binding === undefined) return ok({ url, secret });
  return ok({ url, secret, fetch: (at, init) => binding.fetch(at, init) });
}
