/** The floor (`workers/floor-worker.ts`), in a bare workerd and under Miniflare. */
import { bundleWorker } from "../build.ts";
import { fanOut } from "../measures/fan-out.ts";
import { postJob, type Running, type System } from "./system.ts";
import { type Mode, serve } from "./worker.ts";

export const floor = (mode: Mode): System => ({
  name: `floor (${mode})`,
  objectPerJob: true,
  async start({ dataDir, agentUrl }): Promise<Running> {
    const bundle = await bundleWorker("floor-worker.ts", "FloorJob");
    const server = await serve(mode, { ...bundle, bindings: { AGENT_URL: agentUrl } }, dataDir);
    return {
      ...server,
      create: postJob,
      fanOut: (users, concurrency) => fanOut(server.port, users, concurrency),
    };
  },
});
