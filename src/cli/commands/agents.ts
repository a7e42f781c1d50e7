/** `reveille agents …`: the agents that jobs with an agent_id call. */
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { type Command, type Given, UsageError } from "../command.ts";
import { jsonOf } from "../job-fields.ts";
import { CURSOR, warnOfMore } from "../pages.ts";
import { json, table, whole } from "../render.ts";
import { answer, connect, read } from "../service.ts";
import type { Terminal } from "../terminal.ts";

const AGENT = { name: "ID", about: "the agent's id" } as const;
const Agent = z.looseObject({
  id: z.string(),
  url: z.string().optional(),
  delivery: z.string().optional(),
  connected: z.number().optional(),
  waiting: z.number().optional(),
  secret: z.string().optional(),
});
const Page = z.looseObject({ items: z.array(Agent), next_cursor: z.string().optional() });

/** The typed calls about the agent that a command names. */
async function agentOf(given: Given, terminal: Terminal) {
  const { client } = await connect(given, terminal);
  const [id = ""] = given.positionals;
  return { id, calls: client.v1.agents[":id"], param: { id } };
}

const list: Command = {
  name: "agents list",
  summary: "List the registered agents",
  options: { cursor: CURSOR },
  examples: ["reveille agents list"],
  async run(given, terminal) {
    const { client } = await connect(given, terminal);
    const cursor = given.text("cursor");
    const query = { limit: "100", ...compact({ cursor }) };
    const answered = await answer(client.v1.agents.$get({ query }));
    if (given.flag("json")) terminal.print(json(answered));
    else {
      const { items, next_cursor } = read(Page, answered);
      const rows = items.map(({ id, delivery = "push", connected, waiting, url = "" }) => [
        id,
        delivery,
        connected === undefined ? "" : String(connected),
        waiting === undefined ? "" : String(waiting),
        url,
      ]);
      if (rows.length === 0) terminal.print("No agent is registered. Register one: reveille agents set ID --pull");
      else terminal.print(table(terminal, ["ID", "DELIVERY", "CONNECTED", "WAITING", "URL"], rows));
      warnOfMore(terminal, next_cursor);
    }
    return 0;
  },
};

const get: Command = {
  name: "agents get",
  summary: "Show an agent, without its secret",
  positionals: [AGENT],
  examples: ["reveille agents get laptop"],
  async run(given, terminal) {
    const { calls, param } = await agentOf(given, terminal);
    const answered = await answer(calls.$get({ param }));
    terminal.print(whole(given, answered));
    return 0;
  },
};

const set: Command = {
  name: "agents set",
  summary: "Register an agent, or change it",
  about: "With --agent-url it is called there; with --pull it has a mailbox, and `reveille connect` takes its runs.",
  positionals: [AGENT],
  options: {
    "agent-url": { type: "string", value: "URL", about: "Where it is called" },
    pull: { type: "boolean", about: "A mailbox instead of a URL" },
    secret: {
      type: "string",
      value: "SECRET",
      about: "Its secret, whsec_...; left out, one is generated and shown once",
    },
    header: { type: "string", value: "NAME:VALUE", multiple: true, about: "A header that its calls carry" },
    body: { type: "string", value: "JSON", about: "What is sent, with placeholders such as {{message}}" },
  },
  examples: [
    "reveille agents set mailer --agent-url https://mailer.example.com/hook",
    "reveille agents set laptop --pull",
  ],
  async run(given, terminal) {
    const [url, secret, body] = [given.text("agent-url"), given.text("secret"), given.text("body")];
    const headers = Object.fromEntries(given.texts("header").map(headerOf));
    if ((url === undefined) === !given.flag("pull"))
      throw new UsageError(
        "say how the agent is reached: --agent-url URL, or --pull (--url is the deployment that the command speaks to)",
      );
    const sent = compact({
      ...(url === undefined ? { delivery: "pull" as const } : { url }),
      secret,
      headers: Object.keys(headers).length > 0 ? headers : undefined,
      body: body === undefined ? undefined : jsonOf("body", body),
    });
    const { id, calls, param } = await agentOf(given, terminal);
    const answered = await answer(calls.$put({ param, json: sent }));
    if (given.flag("json")) terminal.print(json(answered));
    else showSecret(`${id} is registered.`, answered, terminal.print);
    return 0;
  },
};

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf(":");
  if (at <= 0) throw new UsageError(`--header must be NAME:VALUE; got "${text}"`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function showSecret(done: string, answered: unknown, print: (line: string) => void): void {
  const { secret } = read(Agent, answered);
  print(done);
  if (secret !== undefined) print(`Its secret, shown this once: ${secret}`);
}

const rotate: Command = {
  name: "agents rotate",
  summary: "Give an agent a new secret",
  about: "Until --overlap has passed, calls carry a signature with each secret.",
  positionals: [AGENT],
  options: {
    overlap: { type: "string", value: "DURATION", about: "How long the old secret stays valid, 0s to 30d (24h)" },
  },
  examples: ["reveille agents rotate mailer --overlap 48h"],
  async run(given, terminal) {
    const overlap = given.text("overlap");
    const { id, calls, param } = await agentOf(given, terminal);
    const answered = await answer(calls.$put({ param, json: compact({ rotate: true as const, overlap }) }));
    if (given.flag("json")) terminal.print(json(answered));
    else showSecret(`${id} has a new secret.`, answered, terminal.print);
    return 0;
  },
};

const test: Command = {
  name: "agents test",
  summary: "Call an agent once with an example run",
  positionals: [AGENT],
  examples: ["reveille agents test mailer"],
  async run(given, terminal) {
    const { client } = await connect(given, terminal);
    const [id = ""] = given.positionals;
    const answered = await answer(client.v1.agents[":id"].test.$post({ param: { id } }));
    const { ok, status, error } = read(Tested, answered);
    if (given.flag("json")) terminal.print(json(answered));
    else if (ok) terminal.print(`The agent answered ${status ?? "well"}.`);
    else terminal.warn(`The agent failed: ${error ?? `it answered ${status}`}`);
    return ok ? 0 : 1;
  },
};

const Tested = z.looseObject({ ok: z.boolean(), status: z.number().optional(), error: z.string().optional() });

const remove: Command = {
  name: "agents delete",
  summary: "Delete an agent",
  positionals: [AGENT],
  examples: ["reveille agents delete mailer"],
  async run(given, terminal) {
    const { id, calls, param } = await agentOf(given, terminal);
    await answer(calls.$delete({ param }));
    terminal.print(given.flag("json") ? json({ deleted: id }) : `Deleted ${id}.`);
    return 0;
  },
};

export const agentCommands: readonly Command[] = [list, get, set, rotate, test, remove];
