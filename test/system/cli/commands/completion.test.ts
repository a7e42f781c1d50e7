/** The completion scripts in the installed shells: the line after a press of Tab. */
import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { runHere } from "../../harness/cli.ts";
import { temporaryFolder } from "../../harness/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await runHere(["completion", shell], { cwd: folder });
    expect(code).toBe(0);
    await writeFile(join(folder, shell), out);
  }
});

const has = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;
const inShell = async (shell: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(shell, args, { env: { PATH: process.env.PATH, HOME: folder, TERM: "xterm" } })).stdout;

/** The typed line, and the word that a Tab completes; "" if several words or none fit. */
const LINES = [
  ["reveille jo", "jobs"],
  ["reveille jobs cr", "create"],
  ["reveille jobs create --na", "--name"],
  ["reveille --json jobs li", "list"],
  ["reveille --url http://x jobs li", "list"],
  ["reveille plan jobs.yaml --pr", "--prune"],
  ["reveille jobs run stand-up --w", "--wait"],
  ["reveille completion z", "zsh"],
] as const;

describe("bash", () => {
  const offered = async (line: string): Promise<string[]> => {
    const script = `source "${join(folder, "bash")}"
      COMP_WORDS=(${line.endsWith(" ") ? `${line}""` : line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _reveille; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await inShell("bash", "--norc", "-c", script)).split("\n").filter((word) => word !== "");
  };

  it.each(LINES)("%s", async (line, word) => {
    expect(await offered(line)).toEqual([word]);
  });

  it("offers commands, and options only after a dash, since the word may be a file", async () => {
    expect(await offered("reveille jobs ")).toEqual(expect.arrayContaining(["list", "create", "explain"]));
    expect(await offered("reveille plan ")).toEqual([]);
    expect(await offered("reveille plan -")).toEqual(expect.arrayContaining(["--prune", "--exit-code", "--json"]));
    expect(await offered("reveille tokens create --role ")).toEqual([]);
  });
});

describe.runIf(has("zsh"))("zsh", () => {
  it.each(LINES)("%s", async (line, word) => {
    const script = `zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'PS1=""; source "${join(folder, "zsh")}"; echo REA""DY'
      zpty -r -m shell seen '*READY*'
      zpty -n -w shell $'${line}\\t'; sleep 1; zpty -n -w shell $'\\C-a: \\C-eEND\\n'
      zpty -r -m shell seen '*END*'; print -r -- "$seen"; zpty -d shell`;
    const shown = stripVTControlCharacters(await inShell("zsh", "-f", "-c", script));
    expect(shown).toMatch(new RegExp(`: ${line.slice(0, line.lastIndexOf(" "))} ${word} ?END`));
  });
});

describe.runIf(has("fish"))("fish", () => {
  it.each(LINES)("%s", async (line, word) => {
    const shown = await inShell("fish", "-c", `source "${join(folder, "fish")}"; complete -C '${line}'`);
    expect(shown.split("\n").map((row) => row.split("\t")[0])).toContain(word);
  });
});
