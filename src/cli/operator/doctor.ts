/** The doctor: checks a deployment from outside, a line for each check. */
import { checks, look } from "./checks.ts";
import type { Deployment } from "./deployment.ts";

const SIGNS = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;
/** Where one of these is wrong, nothing else can be asked. */
const FIRST = ["health", "api", "operator"];

/** Looks at everything. 0 where nothing is wrong, else 1. */
export async function runDoctor(deployment: Deployment, print: (line: string) => void): Promise<number> {
  let wrongs = 0;
  let notes = 0;
  for (const check of checks()) {
    const { verdict, what, fix } = await look(check, deployment);
    print(`${SIGNS[verdict]} ${check.name.padEnd(9)} ${what}${fix === undefined ? "" : `. ${fix}`}`);
    if (verdict === "wrong") wrongs++;
    if (verdict === "note") notes++;
    if (verdict === "wrong" && FIRST.includes(check.name)) break;
  }
  print(lastLine(wrongs, notes));
  return wrongs === 0 ? 0 : 1;
}

/** Jobs that fail, say, are nothing wrong with the deployment, and not well either. */
function lastLine(wrongs: number, notes: number): string {
  if (wrongs > 0) return `${things(wrongs)} wrong.`;
  return notes === 0
    ? "All is well."
    : `Nothing is wrong with the deployment; ${things(notes)} to look at, marked "note".`;
}

const things = (count: number): string => `${count} thing${count === 1 ? "" : "s"}`;
