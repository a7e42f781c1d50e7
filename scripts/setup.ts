/**
 * `npm run setup`: a deployment to Cloudflare with two questions. Secrets are made here and kept in a file that only you can read; a file
 * that is there is used again. With `--dry-run` everything is built and nothing is sent.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseEnv } from "node:util";
import { deploymentAt } from "../src/cli/operator/deployment.ts";
import { runDoctor } from "../src/cli/operator/doctor.ts";
import { runSmoke } from "../src/cli/operator/smoke.ts";

const OWNER_ONLY_FILE = 0o600;
/** The lines that are given. */
let lines: NodeJS.AsyncIterator<string> | undefined;
const isDry = process.argv.includes("--dry-run");

process.exitCode = await setUp();
process.stdin.destroy();

async function setUp(): Promise<number> {
  const name = await ask("Name of the Worker", "reveille");
  if (!/^[a-z0-9][a-z0-9-]{0,53}$/.test(name))
    return refuse(`"${name}" is no name of a Worker: use lower-case letters, digits and dashes.`);
  const agentUrl = await ask("URL of your agent (https:, Enter for none yet)", "");
  if (agentUrl !== "" && !/^https:\/\/\S+$/.test(agentUrl))
    return refuse(`"${agentUrl}" does not begin with https://.`);

  // Outside the repository, so that no commit takes them along.
  const path = resolve(process.env.SECRETS_DIR ?? "..", `${name}.secrets`);
  const secrets = await keepSecrets(path, agentUrl);
  console.log(`Secrets are in ${path}, for you alone. Keep the file; it is not part of the repository.`);

  const options = ["deploy", "--name", name, "--secrets-file", path, ...(isDry ? ["--dry-run"] : [])];
  const { code, output } = await wrangler(options);
  if (code !== 0) return refuse("wrangler did not deploy; what it says is above. `npx wrangler login` signs you in.");
  if (isDry) {
    console.log("Dry run: built and checked, nothing was sent.");
    return 0;
  }
  const url = output.match(/https:\/\/\S+\.workers\.dev/)?.[0];
  if (url === undefined) return refuse("Deployed, but wrangler named no address. Run: npx reveille doctor URL");
  console.log(
    `Deployed: ${url}\nLog in with: npx reveille login ${url} --token "$(sed -n 's/^ADMIN_TOKEN=//p' ${path})"\nChecking it:`,
  );
  const deployment = deploymentAt(url, secrets.ADMIN_TOKEN ?? "");
  const well = await runDoctor(deployment, console.log);
  return agentUrl === ""
    ? well
    : Math.max(well, await runSmoke(deployment, { print: console.log, warn: console.error }));
}

/** The secrets of `path`, made where there is no such file. A new URL of the agent takes the place of the old. */
async function keepSecrets(path: string, agentUrl: string): Promise<Record<string, string | undefined>> {
  const known = parseEnv(await readFile(path, "utf8").catch(() => ""));
  const secrets: Record<string, string | undefined> = {
    ADMIN_TOKEN: randomBytes(32).toString("hex"),
    TOKEN_SECRET: randomBytes(32).toString("hex"),
    AGENT_SECRET: `whsec_${randomBytes(32).toString("base64")}`,
    ...known,
    ...(agentUrl === "" ? {} : { AGENT_URL: agentUrl }),
  };
  const lines = Object.entries(secrets).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(path, lines.join(""), { mode: OWNER_ONLY_FILE });
  await chmod(path, OWNER_ONLY_FILE);
  return secrets;
}

/** Runs wrangler, its output shown as it comes. */
function wrangler(words: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((done) => {
    const child = spawn("npx", ["--no", "wrangler", ...words], { stdio: ["inherit", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data) => {
      output += String(data);
      process.stdout.write(data);
    });
    child.on("close", (code) => done({ code, output }));
  });
}

/** One line from the terminal, or from a pipe. */
async function ask(question: string, otherwise: string): Promise<string> {
  lines ??= createInterface({ input: process.stdin, output: process.stdout })[Symbol.asyncIterator]();
  process.stdout.write(`${question}${otherwise === "" ? "" : ` [${otherwise}]`}: `);
  const { value } = await lines.next();
  const answer = typeof value === "string" ? value.trim() : "";
  return answer === "" ? otherwise : answer;
}

function refuse(why: string): number {
  console.error(why);
  return 1;
}
