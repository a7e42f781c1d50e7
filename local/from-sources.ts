/** The Worker built from its TypeScript at each start, with the dashboard that goes with it. */
import { ok } from "../src/domain/result.ts";
import type { BuildWorker } from "./runtime.ts";

/** Builds the Worker of the wrangler.toml at `configPath` (absolute). Errors with the words of wrangler or esbuild. */
export const fromSources =
  (configPath: string): BuildWorker =>
  async () => {
    // Loaded this late, as the tools take a moment: what is wrong with the settings is said before.
    const { buildDashboard } = await import("../web/build.ts");
    const { readWorkerConfig } = await import("./worker-config.ts");
    const { bundleWorker } = await import("./bundle.ts");
    // Before its folder is looked at: what is in it then, its headers too, is what is served.
    const dashboard = await buildDashboard();
    if (!dashboard.ok) return dashboard;
    const config = await readWorkerConfig(configPath);
    if (!config.ok) return config;
    const source = await bundleWorker(config.value.main, config.value.define, config.value.workerFirst);
    return source.ok ? ok({ config: config.value, source: source.value }) : source;
  };
