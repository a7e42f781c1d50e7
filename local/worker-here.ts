/** The Worker of these sources. In the package, `worker-of-package.ts` replaces this file. */
import { resolve } from "node:path";
import { fromSources } from "./from-sources.ts";
import type { BuildWorker } from "./runtime.ts";

export const workerHere: BuildWorker = fromSources(resolve(import.meta.dirname, "../wrangler.toml"));
