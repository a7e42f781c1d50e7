/** The doctor, which checks a deployment from outside and prints a line for each check. */
import { checks, look } from "./checks.ts";
import type { Deployment } from "./deployment.ts";
import type { Finding } from "./finding.ts";

const SIGNS = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;
/** The first checks. If one of them fails, nothing else can be asked. */
const FIRST = ["health", "api", "operator"];

/** Runs all checks, and prints a line for each. Returns 0 if nothing is wrong, else 1. */
export async function runDoctor(deployment: Deployment, print: (line: string) => void): Promise<number> {
  const count = { ok: 0, note: 0, wrong: 0 };
  for await (const { check, verdict, what, fix } of findings(deployment)) {
    print(`${SIGNS[verdict]} ${check.padEnd(9)} ${what}${fix === undefined ? "" : `. ${fix}`}`);
    count[verdict]++;
  }
  print(lastLine(count.wrong, count.note));
  return count.wrong === 0 ? 0 : 1;
}

/** The finding of each check, as it comes. */
export async function* findings(deployment: Deployment): AsyncGenerator<Finding & { readonly check: string }> {
  for (const check of checks()) {
    const found = await look(check, deployment);
    yield { check: check.name, ...found };
    if (found.verdict === "wrong" && FIRST.includes(check.name)) return;
  }
}

/** The last line. A note, for example about failing jobs, is no fault of the deployment but is still reported. */
function lastLine(wrongs: number, notes: number): string {
  if (wrongs > 0) return `${things(wrongs)} wrong.`;
  return notes === 0
    ? "All is well."
    : `Nothing is wrong with the deployment; ${things(notes)} to look at, marked "note".`;
}

const things = (count: number): string => `${count} thing${count === 1 ? "" : "s"}`;
