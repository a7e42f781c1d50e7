/** The floor (`workers/floor-worker.ts`), in a bare workerd and under Miniflare. */
import { bundleWorker } from "../build.ts";
import { fanOut } from "../measures/fan-out.ts";
import { MESSAGE, type Running, type System } from "./system.ts";
import { type Mode, serve } from "./worker.ts";

export const floor = (mode: Mode): System => ({
  name: `floor (${mode})`,
  objectPerJob: true,
  async start({ dataDir, agentUrl }): Promise<Running> {
    const bundle = await bundleWorker("floor-worker.ts", "FloorJob");
    const server = await serve(mode, { ...bundle, bindings: { AGENT_URL: agentUrl } }, dataDir);
    return {
      ...server,
      create: (at) => ({
        method: "POST",
        path: "/jobs",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ at, message: MESSAGE }),
      }),
      fanOut: (users, concurrency) => fanOut(server.port, users, concurrency),
    };
  },
});
