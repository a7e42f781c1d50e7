/** Serving a Worker in one of two modes, so that like is compared with like. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../build.ts";
import { startChild } from "../child.ts";
import { type BareWorker, startWorkerd } from "../workerd.ts";

/** `miniflare` is what `npm start` runs, and `wrangler` what `wrangler dev` does; `workerd` is the runtime alone. */
export type Mode = "workerd" | "miniflare";

export type Served = { readonly pid: number; readonly port: number; readonly dataDir: string; stop(): Promise<void> };

/** Starts the Worker with its storage in `dataDir`. */
export async function serve(mode: Mode | "wrangler", worker: BareWorker, dataDir: string): Promise<Served> {
  if (mode === "workerd") return { ...(await startWorkerd(worker, dataDir)), dataDir };
  const source = join(dataDir, "worker.mjs");
  await writeFile(source, worker.source);
  const spec = {
    compatibilityFlags: [],
    ...worker,
    source,
    dataDir: join(dataDir, "storage"),
    past: mode === "miniflare",
  };
  const child = await startChild(process.execPath, [`${ROOT}/bench/serve-miniflare.ts`, JSON.stringify(spec)], {
    ready: /^Ready on (\d+)$/m,
  });
  return { ...child, port: Number(child.found), dataDir };
}
