/** `reveille agents …`: where jobs with an agent_id are delivered. */
import { stringify } from "yaml";
import * as z from "zod";
import { type Command, UsageError } from "../command.ts";
import { jsonOf } from "../job-fields.ts";
import { json, table } from "../render.ts";
import { connect } from "../service.ts";

const AGENT = { name: "ID", about: "the agent's id" } as const;
const Agent = z.looseObject({
  id: z.string(),
  url: z.string().optional(),
  delivery: z.string().optional(),
  connected: z.number().optional(),
  waiting: z.number().optional(),
  secret: z.string().optional(),
});
const Page = z.looseObject({ items: z.array(Agent) });
const pathOf = (id: string | undefined): string => `/v1/agents/${encodeURIComponent(id ?? "")}`;

const list: Command = {
  name: "agents list",
  summary: "List the registered agents",
  examples: ["reveille agents list"],
  async run(given, terminal) {
    const answered = await (await connect(given, terminal)).send("GET", "/v1/agents", { query: { limit: "100" } });
    if (given.flag("json")) terminal.print(json(answered));
    else {
      const rows = Page.parse(answered).items.map(({ id, delivery = "push", connected, waiting, url = "" }) => [
        id,
        delivery,
        connected === undefined ? "" : String(connected),
        waiting === undefined ? "" : String(waiting),
        url,
      ]);
      terminal.print(table(terminal, ["ID", "DELIVERY", "CONNECTED", "WAITING", "URL"], rows));
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
    const answered = await (await connect(given, terminal)).send("GET", pathOf(given.positionals[0]));
    terminal.print(given.flag("json") ? json(answered) : stringify(answered).trimEnd());
    return 0;
  },
};

const set: Command = {
  name: "agents set",
  summary: "Register an agent, or change it",
  about: "With --url it is called there; with --pull it has a mailbox, and `reveille connect` takes its runs.",
  positionals: [AGENT],
  options: {
    "agent-url": { type: "string", value: "URL", about: "Where it is called" },
    pull: { type: "boolean", about: "A mailbox in place of a URL" },
    secret: { type: "string", value: "SECRET", about: "Its secret, whsec_...; else one is made and shown this once" },
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
      throw new UsageError("say how the agent is reached: --agent-url URL, or --pull");
    const sent = {
      ...(url === undefined ? { delivery: "pull" } : { url }),
      ...(secret === undefined ? {} : { secret }),
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(body === undefined ? {} : { body: jsonOf("body", body) }),
    };
    const answered = await (await connect(given, terminal)).send("PUT", pathOf(given.positionals[0]), { json: sent });
    if (given.flag("json")) terminal.print(json(answered));
    else showSecret(`${given.positionals[0]} is registered.`, answered, terminal.print);
    return 0;
  },
};

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf(":");
  if (at <= 0) throw new UsageError(`--header must be NAME:VALUE; got "${text}"`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function showSecret(done: string, answered: unknown, print: (line: string) => void): void {
  const { secret } = Agent.parse(answered);
  print(done);
  if (secret !== undefined) print(`Its secret, shown this once: ${secret}`);
}

const rotate: Command = {
  name: "agents rotate",
  summary: "Give an agent a new secret",
  about: "Until --overlap has passed, calls carry a signature of each.",
  positionals: [AGENT],
  options: {
    overlap: { type: "string", value: "DURATION", about: "How long the old one stays good, 0s to 30d (24h)" },
  },
  examples: ["reveille agents rotate mailer --overlap 48h"],
  async run(given, terminal) {
    const overlap = given.text("overlap");
    const sent = { rotate: true, ...(overlap === undefined ? {} : { overlap }) };
    const answered = await (await connect(given, terminal)).send("PUT", pathOf(given.positionals[0]), { json: sent });
    if (given.flag("json")) terminal.print(json(answered));
    else showSecret(`${given.positionals[0]} has a new secret.`, answered, terminal.print);
    return 0;
  },
};

const test: Command = {
  name: "agents test",
  summary: "Call an agent once with an example run",
  positionals: [AGENT],
  examples: ["reveille agents test mailer"],
  async run(given, terminal) {
    const answered = await (await connect(given, terminal)).send("POST", `${pathOf(given.positionals[0])}/test`);
    const { ok, status, error } = Tested.parse(answered);
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
    const [id = ""] = given.positionals;
    await (await connect(given, terminal)).send("DELETE", pathOf(id));
    terminal.print(given.flag("json") ? json({ deleted: id }) : `Deleted ${id}.`);
    return 0;
  },
};

export const agentCommands: readonly Command[] = [list, get, set, rotate, test, remove];
