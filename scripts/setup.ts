/**
 * `npm run setup`: deploys to Cloudflare after two questions. Secrets are generated here and kept in a file that only you
 * can read. An existing file is used again. With `--dry-run` everything is built and nothing is sent.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseEnv } from "node:util";
import { deploymentAt } from "../src/cli/operator/deployment.ts";
import { runDoctor } from "../src/cli/operator/doctor.ts";
import { runSmoke } from "../src/cli/operator/smoke.ts";

const OWNER_ONLY_FILE = 0o600;
/** Thrown when the input ends before a question was answered. */
class Unanswered extends Error {}
const isDry = process.argv.includes("--dry-run");

process.exitCode = await setUp().catch((error: unknown) => {
  if (error instanceof Unanswered) return refuse("\nNothing was done: a question was not answered.");
  throw error;
});

async function setUp(): Promise<number> {
  const { name, agentUrl } = await asked();
  if (!/^[a-z0-9][a-z0-9-]{0,53}$/.test(name))
    return refuse(`"${name}" is not a valid name of a Worker: use lower-case letters, digits and dashes.`);
  if (agentUrl !== "" && !(URL.canParse(agentUrl) && /^https:\/\/[^\s#'"]+$/.test(agentUrl)))
    return refuse(`"${agentUrl}" is not an address that begins with https://.`);

  // The file is outside the repository, so that no commit includes it.
  const path = resolve(process.env.SECRETS_DIR ?? "..", `${name}.secrets`);
  const secrets = await keepSecrets(path, agentUrl);
  console.log(`Secrets are in ${path}, for you alone. Keep the file; it is not part of the repository.`);

  const options = ["deploy", "--name", name, "--secrets-file", path, ...(isDry ? ["--dry-run"] : [])];
  const { code, output } = await wrangler(options);
  if (code !== 0) return refuse("wrangler did not deploy. Its message is above. `npx wrangler login` signs you in.");
  if (isDry) {
    console.log("Dry run: built and checked, nothing was sent.");
    return 0;
  }
  const url = output.match(/https:\/\/\S+\.workers\.dev/)?.[0];
  if (url === undefined) return refuse("Deployed, but wrangler named no address. Run: npx reveille doctor URL");
  console.log(
    `Deployed: ${url}\nLog in with: sed -n 's/^ADMIN_TOKEN=//p' '${path}' | npx reveille login ${url}\nChecking it:`,
  );
  const deployment = deploymentAt(url, secrets.ADMIN_TOKEN ?? "");
  const well = await runDoctor(deployment, console.log);
  return agentUrl === ""
    ? well
    : Math.max(well, await runSmoke(deployment, { print: console.log, warn: console.error }));
}

/**
 * The secrets of `path`: existing ones unchanged, and missing ones generated. A new URL of the agent replaces the old one.
 */
async function keepSecrets(path: string, agentUrl: string): Promise<Record<string, string | undefined>> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const known = parseEnv(text);
  const made = {
    ADMIN_TOKEN: randomBytes(32).toString("hex"),
    TOKEN_SECRET: randomBytes(32).toString("hex"),
    AGENT_SECRET: `whsec_${randomBytes(32).toString("base64")}`,
  };
  const added = Object.entries(made).filter(([key]) => !known[key]);
  if (agentUrl !== "") added.push(["AGENT_URL", agentUrl]);
  const kept = text.split("\n").filter((line) => line !== "" && !added.some(([key]) => line.startsWith(`${key}=`)));
  const lines = [...kept, ...added.map(([key, value]) => `${key}=${value}`), ""];
  // The file is written aside and renamed, so a file that others can read never holds the new secrets.
  await writeFile(`${path}.new`, lines.join("\n"), { mode: OWNER_ONLY_FILE });
  await chmod(`${path}.new`, OWNER_ONLY_FILE);
  await rename(`${path}.new`, path);
  return { ...known, ...Object.fromEntries(added) };
}

/** Runs wrangler and shows its output as it comes. */
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

/**
 * The answers to the two questions, from the terminal or a pipe. Rejects if the input ends before: Ctrl-D deploys nothing.
 */
async function asked(): Promise<{ readonly name: string; readonly agentUrl: string }> {
  const input = createInterface({ input: process.stdin, output: process.stdout });
  const lines = input[Symbol.asyncIterator]();
  const ask = async (question: string, otherwise: string): Promise<string> => {
    process.stdout.write(`${question}${otherwise === "" ? "" : ` [${otherwise}]`}: `);
    const { value, done } = await lines.next();
    if (done === true) throw new Unanswered();
    return value.trim() || otherwise;
  };
  try {
    const name = await ask("Name of the Worker", "reveille");
    return { name, agentUrl: await ask("URL of your agent (https:, Enter for none yet)", "") };
  } finally {
    // Later input is for wrangler's own questions.
    input.close();
  }
}

function refuse(why: string): number {
  console.error(why);
  return 1;
}
