/** The floors: of everything (`workers/floor-worker.ts`), and of a fan-out with signed calls (`workers/signed-floor-worker.ts`). */
import { bundleWorker } from "../build.ts";
import { fanOut } from "../measures/fan-out.ts";
import { SETTINGS } from "./reveille.ts";
import { type FansOut, postJob, type Running, type Startable, type System } from "./system.ts";
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

/** The floor of fan-outs. It runs only in a bare workerd, and shows the least work of one thread. */
export const signedFloor: Startable<FansOut> = {
  name: "signed floor (workerd)",
  async start({ dataDir, agentUrl }) {
    const bundle = await bundleWorker("signed-floor-worker.ts", "SignedFloorShard");
    const server = await serve("workerd", { ...bundle, bindings: { ...SETTINGS, AGENT_URL: agentUrl } }, dataDir);
    return { ...server, fanOut: (users, concurrency) => fanOut(server.port, users, concurrency) };
  },
};
