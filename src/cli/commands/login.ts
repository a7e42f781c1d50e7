/** `reveille login`, `logout` and `whoami`: the deployment that the commands call, and the token. */
import * as z from "zod";
import { type Command, Failure, UsageError } from "../command.ts";
import { checkedUrl, findAddress, loginPath, removeLogin, storeLogin } from "../login.ts";
import { json, relative } from "../render.ts";
import { answer, Refused, read, type Service, serviceAt } from "../service.ts";
import type { Terminal } from "../terminal.ts";

const FORBIDDEN = 403;
const Page = z.looseObject({ items: z.array(z.unknown()) });

export const login: Command = {
  name: "login",
  summary: "Store a deployment and a token for later commands",
  about:
    "The token is taken from --token, else from stdin. It is tried first, and kept in a file that only you can read.",
  positionals: [{ name: "URL", about: "the deployment's address" }],
  examples: [
    "reveille login https://reveille.example.com --token $TOKEN",
    "pass reveille | reveille login https://reveille.example.com",
  ],
  async run(given, terminal) {
    const url = checkedUrl(given.positionals[0] ?? "");
    const token = given.text("token")?.trim() ?? (await askToken(url, terminal));
    if (token === "") throw new UsageError("no token was given; use --token TOKEN, or write it to stdin");
    const service = serviceAt({ url, token, source: "login" });
    const who = await identify(service);
    const path = await storeLogin(terminal.env, { url, token });
    if (given.flag("json")) terminal.print(json({ url, ...who, stored_in: path }));
    else terminal.print(`Logged in to ${url} as ${nameOf(who)}. Stored in ${path}.`);
    return 0;
  },
};

async function askToken(url: string, terminal: Terminal): Promise<string> {
  const typed = terminal.isInteractive
    ? await terminal.readHidden(`A token for ${url} (not shown as you paste it): `)
    : await terminal.readAll();
  return typed.trim();
}

export const logout: Command = {
  name: "logout",
  summary: "Forget the stored login",
  examples: ["reveille logout"],
  async run(given, terminal) {
    const wasThere = await removeLogin(terminal.env);
    if (given.flag("json")) terminal.print(json({ forgotten: wasThere }));
    else terminal.print(wasThere ? `Forgotten: ${loginPath(terminal.env)}` : "No login was stored.");
    return 0;
  },
};

export const whoami: Command = {
  name: "whoami",
  summary: "Show the deployment, and the owner of the token",
  examples: ["reveille whoami", "reveille whoami --json"],
  async run(given, terminal) {
    const address = await findAddress(given, terminal);
    const who = await identify(serviceAt(address));
    const { url, source } = address;
    if (given.flag("json")) {
      terminal.print(json({ url, source, ...who }));
      return 0;
    }
    terminal.print(`${nameOf(who)} at ${url} (from ${source})`);
    if (who.expires_at !== undefined)
      terminal.print(`The token expires ${relative(who.expires_at, Date.now())}, at ${who.expires_at}.`);
    return 0;
  },
};

const Claims = z.looseObject({
  role: z.string(),
  agent_id: z.string().optional(),
  user_id: z.string().optional(),
  plugin_id: z.string().optional(),
  access: z.string().optional(),
  jti: z.string().optional(),
  exp: z.number().optional(),
});

type Who = {
  readonly role: string;
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly plugin_id?: string | undefined;
  readonly access?: string | undefined;
  readonly token_id?: string | undefined;
  readonly expires_at?: string;
};

/**
 * The owner of the token. The service says whether the token is valid, and the token itself names its owner. Rejects if it
 * is refused.
 */
async function identify(service: Service): Promise<Who> {
  read(Page, await answer(service.client.v1.jobs.$get({ query: { limit: "1" } })));
  const claims = claimsOf(service.token);
  if (claims !== undefined) {
    const { role, agent_id, user_id, plugin_id, access, jti, exp } = claims;
    const expires = exp === undefined ? {} : { expires_at: new Date(exp * 1_000).toISOString() };
    return { role, agent_id, user_id, plugin_id, access, token_id: jti, ...expires };
  }
  try {
    read(Page, await answer(service.client.v1.agents.$get({ query: { limit: "1" } })));
    return { role: "admin" };
  } catch (error) {
    if (error instanceof Refused && error.status === FORBIDDEN)
      throw new Failure("The token is none that Reveille makes.");
    throw error;
  }
}

/** The claims of a JWT. Undefined for the operator's token, which is not one. */
function claimsOf(token: string): z.infer<typeof Claims> | undefined {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  try {
    return Claims.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

function nameOf({ role, agent_id, user_id, plugin_id, access }: Who): string {
  const ids = [
    agent_id && `agent ${agent_id}`,
    user_id && `user ${user_id}`,
    plugin_id && `plugin ${plugin_id}`,
  ].filter(Boolean);
  const read = access === "read" ? " (reads only)" : "";
  return role === "admin" ? "the operator (admin)" : `${role}${ids.length === 0 ? "" : `: ${ids.join(", ")}`}${read}`;
}
