/** Reveille with its costs counted. */
import reveille, {
  DirectoryObject,
  FanOutObject,
  HeartbeatObject,
  JobObject,
  MailboxObject,
  SubscriptionObject,
} from "../../src/index.ts";
import { countCalls, counts, type Probe } from "./counting.ts";

export { Probe } from "./counting.ts";
export { DirectoryObject, FanOutObject, HeartbeatObject, JobObject, MailboxObject, SubscriptionObject };

countCalls({ JobObject, DirectoryObject, FanOutObject, HeartbeatObject, MailboxObject, SubscriptionObject });

type Env = Parameters<typeof reveille.fetch>[1] & { readonly PROBE: DurableObjectNamespace<Probe> };

export default {
  ...reveille,
  fetch: async (request: Request, env: Env, ctx: ExecutionContext): Promise<Response> =>
    (await counts(request, env)) ?? reveille.fetch(request, env, ctx),
};
