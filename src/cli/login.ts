/**
 * The deployment that a command calls, and its token (docs/contract.md §21): options, environment, login, or this folder's
 * service.
 */
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { readDevVars } from "../../local/dev-vars.ts";
import { parseJson } from "../domain/text/parse-json.ts";
import { Failure, type Given, UsageError } from "./command.ts";
import type { Terminal } from "./terminal.ts";

export type Address = {
  /** The URL without a trailing slash. */
  readonly url: string;
  readonly token: string;
  /** The source of the two, for `whoami`. */
  readonly source: string;
};

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const Login = z.object({ url: z.string(), token: z.string() });
const Running = z.object({ port: z.number() });

/** The file in which `login` stores its one deployment. */
export function loginPath(env: Terminal["env"]): string {
  const base = env.XDG_CONFIG_HOME || env.APPDATA || join(env.HOME ?? homedir(), ".config");
  return join(base, "reveille", "login.json");
}

/** Stores a login for later commands, in a file that only its owner can read. */
export async function storeLogin(
  env: Terminal["env"],
  login: { readonly url: string; readonly token: string },
): Promise<string> {
  const path = loginPath(env);
  await mkdir(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER });
  await writeFile(`${path}.new`, `${JSON.stringify(login, null, 2)}\n`, { mode: OWNER_ONLY_FILE });
  // A file that a crash has left keeps its old mode.
  await chmod(`${path}.new`, OWNER_ONLY_FILE);
  await rename(`${path}.new`, path);
  return path;
}

/** Removes the login. False if there was none. */
export async function removeLogin(env: Terminal["env"]): Promise<boolean> {
  const known = await storedLogin(env);
  await rm(loginPath(env), { force: true });
  return known !== undefined;
}

async function storedLogin(env: Terminal["env"]): Promise<z.infer<typeof Login> | undefined> {
  try {
    return Login.safeParse(JSON.parse(await readFile(loginPath(env), "utf8"))).data;
  } catch {
    // There is no file, or it is broken, so there is no login.
    return undefined;
  }
}

/**
 * An `http:` or `https:` address without a trailing slash. `place` is where it was given. Throws a {@link UsageError} for
 * any other text.
 */
export function checkedUrl(text: string, place = ""): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    const where = place === "" ? "" : `${place}: `;
    throw new UsageError(`${where}"${text}" is no address; write it like https://reveille.example.com`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/**
 * The deployment and token of a command. A token that was stored for one address is never sent to another. Throws a {@link
 * Failure} that says how to name a deployment if none is known.
 */
export async function findAddress(given: Given, { env, cwd }: Terminal): Promise<Address> {
  const optionUrl = given.text("url");
  const urlGiven = optionUrl ?? (env.REVEILLE_URL || undefined);
  const tokenGiven = given.text("token")?.trim() ?? (env.REVEILLE_TOKEN?.trim() || undefined);
  const source = optionUrl !== undefined ? "--url" : "REVEILLE_URL";
  const login = await storedLogin(env);
  const here = await serviceHere(env, cwd);
  if (urlGiven === undefined) {
    const known =
      login === undefined
        ? here && { ...here, source: "the service of this folder" }
        : { ...login, source: loginPath(env) };
    if (known !== undefined && known.token === undefined && tokenGiven === undefined) {
      throw new Failure(
        `A service runs here, at ${known.url}, but its ADMIN_TOKEN was given to it and is not known to this command.`,
        "Set ADMIN_TOKEN or REVEILLE_TOKEN.",
      );
    }
    if (known === undefined) {
      throw new Failure(
        "No deployment is known: no login is stored, and no service runs in this folder.",
        "Start one with `reveille start`, log in with `reveille login URL`, or set REVEILLE_URL and REVEILLE_TOKEN.",
      );
    }
    return { ...known, token: tokenGiven ?? known.token ?? "" };
  }
  const url = checkedUrl(urlGiven, source);
  if (tokenGiven !== undefined) return { url, token: tokenGiven, source };
  const same = [login, here].find((known) => known !== undefined && originOf(known.url) === originOf(url));
  if (same?.token !== undefined) return { url, token: same.token, source };
  throw new Failure(`No token is known for ${url}.`, `Set REVEILLE_TOKEN, or log in with \`reveille login ${url}\`.`);
}

/** The origin of a URL. `localhost` and 127.0.0.1 count as the same. */
const originOf = (url: string): string =>
  new URL(url.replace(/^http:\/\/localhost(?=[:/]|$)/, "http://127.0.0.1")).origin;

type Here = { readonly url: string; readonly token: string | undefined };

/** The service that `reveille start` runs in this folder, with its operator's token if that is known. */
async function serviceHere(env: Terminal["env"], cwd: string): Promise<Here | undefined> {
  const devVars = readDevVars(cwd);
  const folder = resolve(cwd, env.DATA_DIR || devVars.DATA_DIR || ".reveille");
  const read = (name: string): Promise<string | undefined> =>
    readFile(join(folder, name), "utf8").then(
      (text) => text.trim() || undefined,
      () => undefined,
    );
  const running = Running.safeParse(parseJson((await read("running.json")) ?? "")).data;
  const token = env.ADMIN_TOKEN || devVars.ADMIN_TOKEN || (await read("ADMIN_TOKEN"));
  return running === undefined ? undefined : { url: `http://127.0.0.1:${running.port}`, token };
}
