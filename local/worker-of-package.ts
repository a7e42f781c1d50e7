/** The Worker in the package, which was built when the package was made. It needs neither wrangler nor esbuild. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import type { BuildWorker } from "./runtime.ts";
import type { WorkerConfig } from "./worker-config.ts";

/** The folder of the built files. This file is bundled into a folder beside them. */
const FOLDER = join(import.meta.dirname, "..");

export const workerHere: BuildWorker = async () => {
  try {
    const config: WorkerConfig = JSON.parse(await readFile(join(FOLDER, "worker/config.json"), "utf8"));
    const source = await readFile(join(FOLDER, "worker/worker.mjs"), "utf8");
    const assets = { ...Object(config.options.assets), directory: join(FOLDER, "web") };
    return ok({ source, config: { ...config, options: { ...config.options, rootPath: FOLDER, assets } } });
  } catch (error) {
    return err(`the package is damaged, install it again: ${messageOf(error)}`);
  }
};
