/** The workflow that docs/jobs-in-git.md shows: read as GitHub reads it, its steps run by bash with a stand-in of `gh`. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const MAIN = join(ROOT, "bin/reveille.mjs");

/** The used part of GitHub's syntax. Any other key would be a mistake. */
const Job = z.strictObject({
  if: z.string(),
  "runs-on": z.literal("ubuntu-latest"),
  steps: z.array(z.union([z.strictObject({ uses: z.string() }), z.strictObject({ run: z.string() })])),
});
const Workflow = z.strictObject({
  name: z.string(),
  on: z.strictObject({
    pull_request: z.strictObject({ paths: z.array(z.string()) }),
    push: z.strictObject({ branches: z.array(z.string()), paths: z.array(z.string()) }),
  }),
  permissions: z.strictObject({ contents: z.literal("read"), "pull-requests": z.literal("write") }),
  env: z.record(z.string(), z.string()),
  jobs: z.strictObject({ plan: Job, apply: Job }),
});

let reveille: Reveille;
let folder: string;
let workflow: z.infer<typeof Workflow>;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
  folder = await temporaryFolder();
  const page = await readFile(join(ROOT, "docs/jobs-in-git.md"), "utf8");
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
  workflow = Workflow.parse(parse(blocks.find((code) => code.startsWith("name: ")) ?? ""));
  await writeFile(join(folder, "reveille.yaml"), blocks.find((code) => code.startsWith("# reveille.yaml")) ?? "");
  await mkdir(join(folder, "bin"));
  await program("npx", `[ "$1 $2" = "--yes reveille" ] || exit 9; shift 2; exec "${process.execPath}" "${MAIN}" "$@"`);
  await program("gh", 'echo "$@" > comment.arguments; cat > comment.md');
});

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, "bin", name), 0o755);
}

const CONTEXT: Readonly<Record<string, string>> = { "github.event.number": "7", "github.token": "gh-token" };
/** The value of a GitHub expression, from the event, the variables and the secrets. */
const filledIn = (written: string): string =>
  written.replace(/\$\{\{ ([\w.]+) \}\}/g, (_, name: string) => {
    const known: Readonly<Record<string, string>> = {
      ...CONTEXT,
      "vars.REVEILLE_URL": reveille.url,
      "secrets.REVEILLE_TOKEN": reveille.adminToken,
    };
    const value = known[name];
    if (value === undefined) throw new Error(`${name} is not known to the workflow`);
    return value;
  });

/** Runs the steps of a job like the runner: `bash -e` with pipefail unset, in the checked-out folder. */
async function steps(name: "plan" | "apply"): Promise<string> {
  const env = Object.fromEntries(Object.entries(workflow.env).map(([key, value]) => [key, filledIn(value)]));
  let out = "";
  for (const step of workflow.jobs[name].steps) {
    if (!("run" in step)) continue;
    const { stdout } = await promisify(execFile)("bash", ["-e", "-c", filledIn(step.run)], {
      cwd: folder,
      env: { PATH: `${join(folder, "bin")}:${process.env.PATH}`, HOME: folder, ...env },
    });
    out += stdout;
  }
  return out;
}

describe("docs/jobs-in-git.md: In a pull request", () => {
  it("checks the repository out first, in each job", () => {
    for (const {
      steps: [first],
    } of Object.values(workflow.jobs))
      expect(first).toEqual({ uses: "actions/checkout@v4" });
  });

  it("comments the plan, applies it, and then comments that nothing would change", async () => {
    await steps("plan");
    expect(await readFile(join(folder, "comment.arguments"), "utf8")).toMatch(/^pr comment 7 .*--body-file -\n$/);
    expect(await readFile(join(folder, "comment.md"), "utf8")).toMatch(
      /^```\n\+ ops\/stand-up {2}create\n[\s\S]*2 to create, 0 to change, 0 to delete, 0 left\.\n```\n$/,
    );
    expect(await steps("apply")).toContain("2 changes made.");
    await steps("plan");
    expect(await readFile(join(folder, "comment.md"), "utf8")).toContain(
      "0 to create, 0 to change, 0 to delete, 2 left.",
    );
  });

  it("fails, and comments nothing, if the file is invalid", async () => {
    await writeFile(join(folder, "comment.md"), "before");
    await writeFile(
      join(folder, "reveille.yaml"),
      "namespace: ops\njobs: { a: { schedule: { every: soon }, message: x } }\n",
    );
    await expect(steps("plan")).rejects.toThrow(/schedule\.every: "soon"/);
    expect(await readFile(join(folder, "comment.md"), "utf8")).toBe("before");
  });
});
