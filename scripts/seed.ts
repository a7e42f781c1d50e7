/** `npm run seed [-- URL]`: fills a running service with sample jobs, users and a heartbeat. Default: the one of `npm start`. */
import { deploymentOf } from "../src/cli/operator/deployment.ts";
import { makeSampleJobs } from "./sample-jobs.ts";

const USAGE =
  "Usage: npm run seed -- [URL]   with the operator's ADMIN_TOKEN in the environment unless the service runs here";

const url = process.argv[2] ?? "http://127.0.0.1:8787";
const deployment = deploymentOf([url], USAGE);
if (!deployment.ok) {
  console.error(deployment.error);
  process.exit(2);
}
await makeSampleJobs(deployment.value.url, deployment.value.adminToken);
console.log(`The sample jobs are there: open ${deployment.value.url}`);
