/** The Worker: HTTP in `fetch`, and the Durable Object classes that wrangler.toml binds. */
import { buildApp, ROUTES } from "./http/app.ts";

export { DirectoryObject } from "../durable-objects/directory.ts";
export { HeartbeatObject } from "../durable-objects/heartbeat.ts";
export { JobObject } from "../durable-objects/job.ts";

const app = buildApp(ROUTES);

export default { fetch: app.fetch };
