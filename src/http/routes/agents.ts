/** `/v1/agents`: agents with their own URL and secret (docs/contract.md §4, §6). Only the operator may change them. */

import * as z from "zod";
import { testAgent } from "../../agent/test-call.ts";
import { deleteAgent, getAgent, listAgents, putAgent } from "../../directory/agents.ts";
import { authorOf } from "../../domain/audit.ts";
import { type Failure, forbidden, notFound } from "../../domain/failure.ts";
import type { Err } from "../../domain/result.ts";
import { Agent, AgentInput, AgentTest } from "../../schema/agent.ts";
import { IdText } from "../../schema/text.ts";
import { NoBody, pageCursor, pageLimit, pageShape } from "../fields.ts";
import { reply, route } from "../route.ts";

const tag = "Agents";
/** The header of an answer with a secret, so that no cache keeps it. */
const NO_STORE = { "cache-control": "no-store" };

const list = route({
  method: "get",
  path: "/v1/agents",
  access: "admin_read",
  id: "listAgents",
  tag,
  summary: "List the registered agents, by id",
  description: "Secrets are left out. The default agent is set by AGENT_URL and is not listed.",
  query: z.strictObject({ limit: pageLimit(50), cursor: pageCursor }),
  answers: { 200: { description: "A page of agents.", schema: pageShape(Agent) } },
  async handle({ env, query, caller }) {
    const page = await listAgents(env, query.limit, query.cursor, caller.role === "admin");
    return page.ok ? reply(200, page.value) : page;
  },
});

const put = route({
  method: "put",
  path: "/v1/agents/:id",
  access: "own_agent",
  id: "putAgent",
  tag,
  summary: "Register an agent, or change how it is reached",
  description:
    'With `{"delivery": "pull"}` the agent has a mailbox instead of a URL; its own token may set that too. A new agent with a URL gets a generated secret unless one is given. `rotate: true` generates a new one, and for `overlap` calls carry a signature with each. A generated secret is shown only in this answer. `headers` and `body` are for agents that were not made for Reveille. Runs under way may use the old URL and secret for up to a minute.',
  body: { schema: AgentInput },
  answers: {
    200: { description: "The agent existed and was updated.", schema: Agent },
    201: { description: "The agent was registered.", schema: Agent, headers: { Location: "The agent's path." } },
  },
  errors: ["agent_has_url"],
  async handle({ env, settings, caller, params, body }) {
    if (caller.role !== "admin") {
      const refused = refuseOwn(body);
      if (refused !== undefined) return refused;
    }
    const put = await putAgent(env, settings, params.id, body, {
      by: authorOf(caller),
      byItself: caller.role !== "admin",
    });
    if (!put.ok) return put;
    const { agent, created } = put.value;
    return created
      ? reply(201, agent, { location: `/v1/agents/${agent.id}`, ...NO_STORE })
      : reply(200, agent, NO_STORE);
  },
});

const get = route({
  method: "get",
  path: "/v1/agents/:id",
  access: "admin_read",
  id: "getAgent",
  tag,
  summary: "Read an agent, without its secret",
  answers: { 200: { description: "The agent.", schema: Agent } },
  errors: ["not_found"],
  description: "The URL's query and the body are shown to the operator alone; values of headers are masked.",
  async handle({ env, settings, params, caller }) {
    if (!isId(params.id)) return notFound("agent");
    const agent = await getAgent(env, settings, params.id, caller.role === "admin");
    return agent.ok ? reply(200, agent.value) : agent;
  },
});

const remove = route({
  method: "delete",
  path: "/v1/agents/:id",
  access: "admin",
  id: "deleteAgent",
  tag,
  summary: "Unregister an agent",
  description: "Its jobs stay. Their runs end as errors that say so, and no other agent is called instead.",
  answers: { 204: { description: "The agent is no longer registered." } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    if (!isId(params.id)) return notFound("agent");
    const removed = await deleteAgent(env, params.id, authorOf(caller));
    return removed.ok ? reply(204) : removed;
  },
});

const test = route({
  method: "post",
  path: "/v1/agents/:id/test",
  access: "admin",
  id: "testAgent",
  tag,
  summary: "Call the agent once with an example run",
  description:
    "The call is signed and has the agent's headers and body, like a run's. Nothing is logged, and a completion of the example is answered with 404.",
  body: { schema: NoBody, optional: true },
  answers: { 200: { description: "The result of the call.", schema: AgentTest } },
  errors: ["not_found"],
  async handle({ env, settings, params, url }) {
    if (!isId(params.id)) return notFound("agent");
    const tested = await testAgent(env, settings, params.id, url.origin, () => Date.now());
    return tested.ok ? reply(200, tested.value) : tested;
  },
});

export const agentRoutes = [list, put, get, remove, test] as const;

/** Refuses an agent that asks for more than its own mailbox. Calls to an address would carry the data of its jobs. */
function refuseOwn({ delivery, url }: z.output<typeof AgentInput>): Err<Failure> | undefined {
  if (delivery === "pull" && url === undefined) return undefined;
  return forbidden(
    "Only the operator registers an agent with a URL.",
    'An agent\'s own token may send {"delivery": "pull"}, and nothing else.',
  );
}

const isId = (id: string): boolean => IdText.safeParse(id).success;
