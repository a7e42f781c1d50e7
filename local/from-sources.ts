/** The Worker and the dashboard, built from their sources. They are kept until one of these changes. */
import { join } from "node:path";
import { ok } from "../src/domain/result.ts";
import { KEPT, keptOrBuilt, nameFor } from "./kept.ts";
import type { BuildWorker } from "./runtime.ts";

/** Builds the Worker of the wrangler.toml at `configPath` (absolute). Errors with the words of wrangler or esbuild. */
export const fromSources =
  (configPath: string): BuildWorker =>
  async () => {
    // Before its folder is looked at: what is in it then, its headers too, is what is served.
    const dashboard = await keptOrBuilt(join(KEPT, "dashboard.json"), "", async () => {
      // Loaded this late, as the tools take a moment: what is wrong with the settings is said before.
      const { buildDashboard } = await import("../web/build.ts");
      const files = await buildDashboard();
      return files.ok ? ok({ value: null, files: files.value }) : files;
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
