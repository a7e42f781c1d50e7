/** Builds the Worker and the dashboard from their sources. They are kept until one of these changes. */
import { join } from "node:path";
import { ok } from "../src/domain/result.ts";
import { KEPT, keptOrBuilt, nameFor } from "./kept.ts";
import type { BuildWorker } from "./runtime.ts";

/** Builds the Worker of the wrangler.toml at `configPath` (absolute). Errors with the messages of wrangler or esbuild. */
export const fromSources =
  (configPath: string): BuildWorker =>
  async () => {
    // The dashboard is built before its folder is read, since the folder's content, headers included, is what is served.
    const dashboard = await keptOrBuilt(join(KEPT, "dashboard.json"), "", async () => {
      // The tools take a moment to load. They are loaded this late, so that wrong settings are reported first.
      const { buildDashboard } = await import("../web/build.ts");
      const built = await buildDashboard();
      return built.ok ? ok({ value: null, ...built.value }) : built;
    });
    if (!dashboard.ok) return dashboard;
    const { readWorkerConfig } = await import("./worker-config.ts");
    const config = await readWorkerConfig(configPath);
    if (!config.ok) return config;
    const { main, define, workerFirst } = config.value;
    const path = join(KEPT, `worker-${nameFor(configPath)}.json`);
    const source = await keptOrBuilt(path, JSON.stringify([main, define, workerFirst]), async () => {
      const { bundleWorker } = await import("./bundle.ts");
      return bundleWorker(main, define, workerFirst);
    });
    return source.ok ? ok({ config: config.value, source: source.value }) : source;
  };
