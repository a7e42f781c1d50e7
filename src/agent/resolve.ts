/** Which agent a job's calls go to (CONTRACT.md §2, §4): the registered one that it names, else the default one. */
import { findAgent } from "../directory/agents.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { Env, Settings } from "../env.ts";
import { endpointError } from "../outbound/endpoint.ts";
import type { Secrets } from "../outbound/signature.ts";

/** `fetch` takes the place of the global one where the agent is a service binding. */
export type Agent = {
  readonly url: string;
  readonly secret: Secrets;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
};

/** What a bound Worker sees as its URL; the host is never looked up. */
const BINDING_URL = "https://agent.internal/";

/**
 * The agent to call, or a sentence why there is none. No other agent stands in for a named one that is missing. The default agent
 * takes no lookup; a named one is read from the directory at most once a minute (`now` is epoch ms). Throws where the directory
 * cannot be reached: that is to be tried again, not a fault of the job.
 */
export async function resolveAgent(
  env: Env,
  settings: Settings,
  agentId: string | undefined,
  now = Date.now(),
): Promise<Result<Agent, string>> {
  if (agentId === undefined || agentId === "") return defaultAgent(env, settings);
  const agent = await findAgent(env, agentId, now);
  if (agent === undefined) return err(`agent "${agentId}" is not registered: PUT /v1/agents/${agentId}`);
  return ok({ url: agent.url, secret: agent.secret });
}

function defaultAgent(env: Env, settings: Settings): Result<Agent, string> {
  const binding = env.AGENT;
  if (binding === undefined && settings.AGENT_URL === undefined) {
    return err("no agent is configured: set AGENT_URL and AGENT_SECRET, or name a registered agent in agent_id");
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
  if (wrong !== undefined) return err(`the default agent cannot be called, mend AGENT_URL: ${wrong}`);
  if (binding === undefined) return ok({ url, secret });
  return ok({ url, secret, fetch: (at, init) => binding.fetch(at, init) });
}
