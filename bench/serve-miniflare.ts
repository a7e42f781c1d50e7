/**
 * Serves one of the compared Workers under Miniflare: `node serve-miniflare.ts <spec as JSON>`. `past` is how `npm start` sets it up,
 * past Miniflare's own Workers (decision 7). Without it, the set-up is that of `wrangler dev`.
 */
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import * as z from "zod";
import { network } from "../local/network.ts";
import { endOnSignal } from "../local/process.ts";

const spec = z.object({
  source: z.string(),
  dataDir: z.string(),
  objects: z.record(z.string(), z.string()),
  bindings: z.record(z.string(), z.string()),
  compatibilityDate: z.string(),
  compatibilityFlags: z.array(z.string()),
  past: z.boolean(),
});
const ending = endOnSignal();
const worker = spec.parse(JSON.parse(process.argv[2] ?? ""));
const { readFile } = await import("node:fs/promises");

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    resourcePersistencePath: worker.dataDir,
    log: new Log(LogLevel.WARN),
    workers: [
      {
        name: "worker",
        modules: [{ type: "ESModule", path: "index.mjs", contents: await readFile(worker.source, "utf8") }],
        compatibilityDate: worker.compatibilityDate,
        compatibilityFlags: worker.compatibilityFlags,
        bindings: worker.bindings,
        ...(worker.past
          ? {
              unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
              serviceBindings: { NETWORK: { network: network(undefined) } },
            }
          : {}),
        durableObjects: Object.fromEntries(
          Object.entries(worker.objects).map(([name, className]) => [name, { className, useSQLite: true }]),
        ),
      },
    ],
  }),
);
await miniflare.ready;
const url = worker.past ? await miniflare.unsafeGetDirectURL() : await miniflare.ready;
ending.stopWith(() => miniflare.dispose());
console.log(`Ready on ${url.port}`);
