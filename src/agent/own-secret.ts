/**
 * The secret that may sign a call of a heartbeat (docs/contract.md §17). A receiver of an agent's secret can make calls to
 * that agent. So the secret goes only to the agent's own URL.
 */
import { err, ok, type Result } from "../domain/result.ts";
import type { Env, Settings } from "../env.ts";
import { isSameUrl } from "../outbound/endpoint.ts";
import { reasonOf } from "../outbound/exchange.ts";
import type { Trouble } from "../outbound/request.ts";
import type { Secrets } from "../outbound/signature.ts";
import { type Agent, resolveAgent } from "./resolve.ts";

/**
 * The agent by id, or the default one. Errors: a passing trouble if the directory cannot be reached; otherwise there is no
 * such agent.
 */
export async function lookUpAgent(
  env: Env,
  settings: Settings,
  agentId: string | undefined,
): Promise<Result<Agent, Trouble>> {
  try {
    const agent = await resolveAgent(env, settings, agentId);
    return agent.ok ? agent : err({ reason: agent.error, passing: false });
  } catch (error) {
    return err({ reason: `the agent could not be looked up: ${reasonOf(error)}`, passing: true });
  }
}

/** The secret to sign with: `given`, else that of `agent` if the URL is its own, else none. */
export function secretFor(
  url: string,
  given: Secrets | undefined,
  agent: Result<Agent, Trouble>,
): Result<Secrets | undefined, Trouble> {
  if (given !== undefined) return ok(given);
  // Without a signature a strict receiver would refuse for good, although another try may be signed.
  if (!agent.ok) return agent.error.passing ? agent : ok(undefined);
  return ok(isSameUrl(url, agent.value.url) ? agent.value.secret : undefined);
}
