/** The Agents SDK's worker with its costs counted. */
import agents, { WakingAgent } from "./agents-sdk-worker.ts";
import { countCalls, counts, type Probe } from "./counting.ts";

export { Probe } from "./counting.ts";
export { WakingAgent };

countCalls({ WakingAgent });

type Env = Parameters<typeof agents.fetch>[1] & { readonly PROBE: DurableObjectNamespace<Probe> };

export default {
  fetch: async (request: Request, env: Env): Promise<Response> =>
    (await counts(request, env)) ?? agents.fetch(request, env),
};
