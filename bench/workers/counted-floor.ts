/** The floor with its costs counted. */
import { countCalls, counts, type Probe } from "./counting.ts";
import floor, { FloorJob } from "./floor-worker.ts";

export { Probe } from "./counting.ts";
export { FloorJob };

countCalls({ FloorJob });

type Env = Parameters<typeof floor.fetch>[1] & { readonly PROBE: DurableObjectNamespace<Probe> };

export default {
  fetch: async (request: Request, env: Env): Promise<Response> =>
    (await counts(request, env)) ?? floor.fetch(request, env),
};
