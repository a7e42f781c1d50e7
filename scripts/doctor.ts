/** `npm run doctor -- URL`: `reveille doctor URL`, with ADMIN_TOKEN from the environment. */
import { deploymentOf } from "../src/cli/operator/deployment.ts";
import { runDoctor } from "../src/cli/operator/doctor.ts";

const deployment = deploymentOf(
  process.argv.slice(2),
  "Usage: ADMIN_TOKEN=… npm run doctor -- https://reveille.example.workers.dev",
);
if (!deployment.ok) {
  console.error(deployment.error);
  process.exit(2);
}
process.exitCode = await runDoctor(deployment.value, console.log);
