/** The page on waking a coding agent on a laptop: its command lines are run unchanged, with a stand-in for the tool. */
import { spawn } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, it } from "vitest";
import { atEnd, eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const MAIN = join(ROOT, "bin/reveille.mjs");

let reveille: Reveille;
let home: string;
let bin: string;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
  home = await temporaryFolder();
  bin = join(home, "bin");
  await mkdir(bin);
  await mkdir(join(home, "project"));
  await program("npx", `[ "$1" = reveille ] || exit 9; shift; exec "${process.execPath}" "${MAIN}" "$@"`);
  // Like the tool: the prompt on stdin, the answer on stdout, files in the folder that it is started in.
  await program(
    "claude",
    `echo "$@" > arguments; prompt=$(cat); echo "$prompt" >> conversation; echo "Done: $prompt ($(wc -l < conversation | tr -d ' '))"`,
  );
});

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

function shell(line: string) {
  const child = spawn("sh", ["-c", line], {
    cwd: home,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: home,
      REVEILLE_URL: reveille.url,
      REVEILLE_TOKEN: reveille.adminToken,
    },
  });
  atEnd(() => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  });
  return child;
}

/** The blocks under a heading of a page. */
async function blocksUnder(page: string, heading: string): Promise<string[]> {
  const whole = await readFile(join(ROOT, page), "utf8");
  const section = whole.split(`${heading}\n`)[1]?.split(/^#/m)[0] ?? "";
  return [...section.matchAll(/^```sh[^\n]*\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code.trim());
}

describe("docs/cli.md: Waking a coding agent", () => {
  it("does a job's runs with the tool, in the project's folder", async () => {
    const [connect = "", then = ""] = await blocksUnder("docs/cli.md", "### Waking a coding agent");
    const connection = shell(connect);
    let out = "";
    connection.stdout.on("data", (data) => (out += String(data)));
    await eventually("its connection", () => out.includes("Connected"));
    const made = shell(then);
    const [printed, said] = await Promise.all([text(made.stdout), text(made.stderr)]);
    expect(printed, said).toMatch(/^Created triage .*\nDone: Look at the new issues and label them\. \(1\)\n/);
    const again = shell("npx reveille jobs run triage --wait");
    expect(await text(again.stdout)).toContain("(2)");
    expect(await readFile(join(home, "project/arguments"), "utf8")).toBe(
      "-p --continue --permission-mode acceptEdits\n",
    );
    if (connection.pid !== undefined) process.kill(-connection.pid, "SIGINT");
    await eventually("its end", () => connection.exitCode !== null || connection.signalCode !== null);
  });

  it("gives the prompt as an argument to a tool that needs it", async () => {
    await program("tool", `echo "asked: $1"`);
    const connection = shell(`npx reveille connect --agent other --exec 'tool "$(cat)"'`);
    let out = "";
    connection.stdout.on("data", (data) => (out += String(data)));
    await eventually("its connection", () => out.includes("Connected"));
    const made = shell(
      "npx reveille jobs create --name other --agent other --manual -m 'It is \"five\" $HOME' && npx reveille jobs run other --wait",
    );
    expect(await text(made.stdout)).toContain('asked: It is "five" $HOME\n');
  });
});
