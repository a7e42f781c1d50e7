/** `npm run setup -- --dry-run`: secrets are made once, readable only by their owner, and a deployment is built. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { parseEnv } from "node:util";
import { expect, it } from "vitest";
import { temporaryFolder } from "../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/** By npm once, as the command is told to people; else by what npm starts. */
const PROGRAMS = {
  npm: ["npm", "run", "--silent", "setup", "--"],
  node: [process.execPath, "scripts/setup.ts"],
} as const;

async function setup(folder: string, answers: string, by: keyof typeof PROGRAMS = "node") {
  const [file, ...words] = PROGRAMS[by];
  const child = spawn(file, [...words, "--dry-run"], {
    cwd: ROOT,
    stdio: "pipe",
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SECRETS_DIR: folder, WRANGLER_SEND_METRICS: "false" },
  });
  child.stdin.end(answers);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, output: out + err };
}

it("makes the secrets, reuses them the next time, and builds the deployment", async () => {
  const folder = await temporaryFolder();
  const first = await setup(folder, "reveille-try\nhttps://agent.example.com/hook\n", "npm");
  expect([first.code, first.output]).toEqual([
    0,
    expect.stringContaining("Dry run: built and checked, nothing was sent."),
  ]);
  const path = join(folder, "reveille-try.secrets");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const secrets = parseEnv(await readFile(path, "utf8"));
  expect(secrets).toEqual({
    ADMIN_TOKEN: expect.stringMatching(/^[0-9a-f]{64}$/),
    TOKEN_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/),
    AGENT_SECRET: expect.stringMatching(/^whsec_/),
    AGENT_URL: "https://agent.example.com/hook",
  });
  // The rest of the file is kept unchanged.
  await writeFile(path, `${await readFile(path, "utf8")}NOTIFY_URL="https://example.com/#ops"\n# mine\n`, {
    mode: 0o644,
  });
  await setup(folder, "reveille-try\n\n");
  const again = await readFile(path, "utf8");
  expect(parseEnv(again)).toEqual({ ...secrets, NOTIFY_URL: "https://example.com/#ops" });
  expect(again).toContain("# mine\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["reveille-try.secrets"]);
});

it.each(["", "reveille-try\n"])(
  "does nothing if the input ends before both questions are answered: %j",
  async (answers) => {
    const folder = await temporaryFolder();
    const { code, output } = await setup(folder, answers);
    expect([code, output]).toEqual([1, expect.stringContaining("Nothing was done")]);
    expect(await readdir(folder)).toEqual([]);
  },
);

it.each(["No Such Name\n\n", "ok\nhttp://agent.example.com/\n", "ok\nhttps://\n", "ok\nhttps://x/' #\n"])(
  "refuses invalid answers: %j",
  async (answers) => {
    expect((await setup(await temporaryFolder(), answers)).code).toBe(1);
  },
);
