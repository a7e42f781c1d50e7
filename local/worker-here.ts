/** The Worker that the command runs: that of these sources. In the package `worker-of-package.ts` takes this file's place. */
import { resolve } from "node:path";
import { fromSources } from "./from-sources.ts";
import type { BuildWorker } from "./runtime.ts";

export const workerHere: BuildWorker = fromSources(resolve(import.meta.dirname, "../wrangler.toml"));
