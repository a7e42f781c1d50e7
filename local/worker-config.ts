/**
 * The content of wrangler.toml about a Worker, as wrangler reads it. It is kept, because wrangler takes a second to load.
 */

import { access } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Unstable_Config, unstable_getMiniflareWorkerOptions } from "wrangler";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { KEPT, keptOrBuilt, nameFor } from "./kept.ts";

const WRANGLER = createRequire(import.meta.url).resolve("wrangler/package.json");

type Options = ReturnType<typeof unstable_getMiniflareWorkerOptions>;

export type WorkerConfig = {
  readonly name: string;
  /** The absolute path of the Worker's entry point. */
  readonly main: string;
  readonly define: Record<string, string>;
  /** Cron expressions, in UTC. */
  readonly crons: readonly string[];
  readonly vars: Unstable_Config["vars"];
  /** Paths for which no file of `[assets]` is served. */
  readonly workerFirst: readonly string[];
  /** The bindings, for Miniflare, without the values of `vars` and of .dev.vars. */
  readonly options: Omit<Options["workerOptions"], "bindings">;
};

/**
 * Reads `configPath` (absolute). `keptIn` is the folder of earlier results. The folder of its `[assets]` must exist. Errors
 * with wrangler's messages.
 */
export function readWorkerConfig(configPath: string, keptIn = KEPT): Promise<Result<WorkerConfig, string>> {
  const path = join(keptIn, `wrangler-${nameFor(configPath)}.json`);
  return keptOrBuilt(path, process.env.CLOUDFLARE_ENV ?? "", async () => {
    const config = await askWrangler(configPath);
    return config.ok ? ok({ value: config.value, files: [configPath, WRANGLER, import.meta.filename] }) : config;
  });
}

async function askWrangler(configPath: string): Promise<Result<WorkerConfig, string>> {
  try {
    await access(configPath);
  } catch (error) {
    return err(`${configPath} cannot be read: ${messageOf(error)}`);
  }
  // Without this, wrangler would say that it has found .dev.vars, although its values are not used.
  process.env.WRANGLER_LOG ??= "warn";
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import("wrangler");
  try {
    const config = unstable_readConfig({ config: configPath });
    const { assets, name = "worker" } = config;
    const { workerOptions, main, define } = unstable_getMiniflareWorkerOptions(
      config,
      undefined,
      assets?.directory === undefined ? {} : { overrides: { assets: { binding: "ASSETS" } } },
    );
    if (main === undefined) return err(`${configPath} names no main file`);
    const { bindings: _values, ...options } = workerOptions;
    // `true` gives every path to the Worker, and this one pattern means the same.
    const first = assets?.run_worker_first ?? [];
    const workerFirst = Array.isArray(first) ? first : first ? ["/*"] : [];
    const crons = config.triggers.crons ?? [];
    return ok({ name, main, define, crons, vars: { ...config.vars }, workerFirst, options });
  } catch (error) {
    return err(`${configPath} cannot be read: ${messageOf(error)}`);
  }
}
