/** `npm run doctor -- URL`: checks a deployment from outside, a line for each check; ends with 1 where something is wrong. */
import { deploymentOf } from "./deployment.ts";
import { checks, look } from "./doctor/checks.ts";

const USAGE = "Usage: ADMIN_TOKEN=… npm run doctor -- https://reveille.example.workers.dev";
const SIGNS = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;

const deployment = deploymentOf(process.argv.slice(2), USAGE);
if (!deployment.ok) {
  console.error(deployment.error);
  process.exit(2);
}
let wrongs = 0;
for (const check of checks()) {
  const { verdict, what, mend } = await look(check, deployment.value);
  console.log(`${SIGNS[verdict]} ${check.name.padEnd(9)} ${what}${mend === undefined ? "" : `. ${mend}`}`);
  if (verdict === "wrong") wrongs++;
  // Nothing else can be asked of what is not there, and a refused operator would only be told so again and again.
  if (verdict === "wrong" && ["health", "api", "operator"].includes(check.name)) break;
}
console.log(wrongs === 0 ? "All is well." : `${wrongs} thing${wrongs === 1 ? "" : "s"} wrong.`);
process.exitCode = wrongs === 0 ? 0 : 1;
