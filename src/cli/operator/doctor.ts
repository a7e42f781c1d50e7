/** The doctor: checks a deployment from outside, a line for each check. */
import { checks, look } from "./checks.ts";
import type { Deployment } from "./deployment.ts";
import type { Finding } from "./finding.ts";

const SIGNS = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;
/** Where one of these is wrong, nothing else can be asked. */
const FIRST = ["health", "api", "operator"];

/** Looks at everything, and prints a line for each check. 0 where nothing is wrong, else 1. */
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

/** Jobs that fail, say, are nothing wrong with the deployment, and not well either. */
function lastLine(wrongs: number, notes: number): string {
  if (wrongs > 0) return `${things(wrongs)} wrong.`;
  return notes === 0
    ? "All is well."
    : `Nothing is wrong with the deployment; ${things(notes)} to look at, marked "note".`;
}

const things = (count: number): string => `${count} thing${count === 1 ? "" : "s"}`;
