/** Cloudflare Agents SDK: an agent for each job, which wakes itself by `schedule()`. Under Miniflare, as `wrangler dev` runs it. */
import { bundleWorker } from "../build.ts";
import { postJob, type Running, type System } from "./system.ts";
import { serve } from "./worker.ts";

export const agentsSdk: System = {
  name: "Agents SDK (miniflare)",
  objectPerJob: true,
  wholeSeconds: true,
  async start({ dataDir, agentUrl }): Promise<Running> {
    const bundle = await bundleWorker("agents-sdk-worker.ts", "WakingAgent", ["nodejs_compat"]);
    const server = await serve("wrangler", { ...bundle, bindings: { AGENT_URL: agentUrl } }, dataDir);
    return {
      ...server,
      create: postJob,
    };
  },
};
