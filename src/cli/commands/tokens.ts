/** `reveille tokens …`: creates, lists and revokes tokens. */
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { type Command, UsageError } from "../command.ts";
import { oneOf } from "../job-fields.ts";
import { CURSOR, warnOfMore } from "../pages.ts";
import { json, relative, table } from "../render.ts";
import { answer, connect, read } from "../service.ts";

const Listed = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string(),
      role: z.string(),
      name: z.string().optional(),
      agent_id: z.string().optional(),
      user_id: z.string().optional(),
      plugin_id: z.string().optional(),
      access: z.string().optional(),
      expires_at: z.string().optional(),
    }),
  ),
  next_cursor: z.string().optional(),
});
const Made = z.looseObject({ token: z.string(), expires_at: z.string(), id: z.string().optional() });

const list: Command = {
  name: "tokens list",
  summary: "List the tokens that have not expired",
  options: { cursor: CURSOR },
  examples: ["reveille tokens list"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const cursor = given.text("cursor");
    const answered = await answer(service.client.v1.tokens.$get({ query: cursor === undefined ? {} : { cursor } }));
    if (given.flag("json")) {
      terminal.print(json(answered));
      return 0;
    }
    const now = Date.now();
    const { items, next_cursor } = read(Listed, answered);
    const rows = items.map((token) => [
      token.id,
      token.name ?? "",
      token.role,
      [token.agent_id, token.user_id, token.plugin_id].filter((id) => id !== undefined).join(" "),
      token.access ?? "",
      relative(token.expires_at, now),
    ]);
    if (rows.length === 0) terminal.print("There is no token. Create one: reveille tokens create --agent-id ID");
    else terminal.print(table(terminal, ["ID", "NAME", "ROLE", "FOR", "ACCESS", "EXPIRES"], rows));
    warnOfMore(terminal, next_cursor);
    return 0;
  },
};

const ROLES = ["agent", "user", "plugin", "viewer"] as const;
const ACCESS = ["write", "read"] as const;

const create: Command = {
  name: "tokens create",
  summary: "Create a token, shown this once",
  options: {
    role: { type: "string", value: "ROLE", about: "agent, user, plugin or viewer (agent if --agent-id is given)" },
    "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "The agent it speaks for" },
    "user-id": { type: "string", value: "ID", aliases: ["user"], about: "The user it speaks for" },
    "plugin-id": { type: "string", value: "ID", aliases: ["plugin"], about: "The plugin it speaks for" },
    name: { type: "string", about: "The token's name, for people" },
    access: { type: "string", value: "ACCESS", about: "write (default) or read" },
    agents: { type: "string", value: "ID", multiple: true, about: "The only agents that its jobs may name" },
    "expires-in": { type: "string", value: "DURATION", about: "How long it is valid, 1s to 365d (30d)" },
  },
  examples: [
    "reveille tokens create --agent-id laptop --expires-in 30d",
    "reveille tokens create --role viewer --name wallboard --expires-in 90d",
  ],
  async run(given, terminal) {
    const ids = {
      agent_id: given.text("agent-id"),
      user_id: given.text("user-id"),
      plugin_id: given.text("plugin-id"),
    };
    const guessed =
      ids.plugin_id !== undefined
        ? "plugin"
        : ids.agent_id !== undefined
          ? "agent"
          : ids.user_id !== undefined
            ? "user"
            : undefined;
    const role = oneOf("role", given.text("role") ?? guessed, ROLES);
    if (role === undefined)
      throw new UsageError("whose token it is was not said: use --role viewer, --agent-id, --user-id or --plugin-id");
    const agents = given.texts("agents").flatMap((list) => list.split(","));
    const body = compact({
      role,
      ...ids,
      name: given.text("name"),
      access: oneOf("access", given.text("access"), ACCESS),
      expires_in: given.text("expires-in") ?? "30d",
      agents: agents.length > 0 ? agents : undefined,
    });
    const service = await connect(given, terminal);
    const answered = await answer(service.client.v1.tokens.$post({ json: body }));
    if (given.flag("json")) terminal.print(json(answered));
    else {
      const { token, expires_at, id } = read(Made, answered);
      // Only the token goes to stdout, so that it can be piped.
      terminal.warn(
        `A token of role ${role}${id === undefined ? "" : ` (${id})`}, until ${expires_at}; it is shown this once:`,
      );
      terminal.print(token);
    }
    return 0;
  },
};

const revoke: Command = {
  name: "tokens revoke",
  summary: "Revoke a token: refused everywhere within 10 seconds",
  positionals: [{ name: "ID", about: "the token's id, from `reveille tokens list`" }],
  examples: ["reveille tokens revoke ID"],
  async run(given, terminal) {
    const [id = ""] = given.positionals;
    await answer((await connect(given, terminal)).client.v1.tokens[":id"].$delete({ param: { id } }));
    terminal.print(given.flag("json") ? json({ revoked: id }) : `Revoked ${id}.`);
    return 0;
  },
};

export const tokenCommands: readonly Command[] = [list, create, revoke];
