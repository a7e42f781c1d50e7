/** `npm run smoke -- URL`: `reveille smoke URL`, with ADMIN_TOKEN from the environment. */
import { deploymentOf } from "../src/cli/operator/deployment.ts";
import { runSmoke } from "../src/cli/operator/smoke.ts";

const deployment = deploymentOf(
  process.argv.slice(2),
  "Usage: ADMIN_TOKEN=… npm run smoke -- https://reveille.example.workers.dev",
);
if (!deployment.ok) {
  console.error(deployment.error);
  process.exit(2);
}
process.exitCode = await runSmoke(deployment.value, { print: console.log, warn: console.error });
