/** The Worker in workerd on this machine, through Miniflare. wrangler.toml gives its bindings and its crons. */

import { setTimeout as sleep } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { FRONT } from "./front.ts";
import { tieWorkerd } from "./kill-workerd-with-parent.ts";
import { network } from "./network.ts";
import { LOOPBACK, portInUse } from "./port.ts";
import { Stopping } from "./stopping.ts";
import type { WorkerConfig } from "./worker-config.ts";

/** The time in which open sockets are told that the service stops. */
const FLUSH_MS = 100;

/** A Worker that workerd can load. */
export type BuiltWorker = {
  readonly config: WorkerConfig;
  /** The single module, with the export `FRONT`. */
  readonly source: string;
};
/** Errors with a sentence to print. */
export type BuildWorker = () => Promise<Result<BuiltWorker, string>>;

export type Runtime = {
  /** Cron expressions of wrangler.toml. */
  readonly crons: readonly string[];
  /** Ends workerd. Storage is always on disk, so nothing is lost. */
  stop(): Promise<void>;
};

/**
 * Starts the Worker from `build` on `port` with its storage in `dataDir`. `bindings` are strings in the Worker's env.
 * Errors with a sentence if the Worker does not build, the port is taken, or workerd does not start.
 */
export async function startRuntime(options: {
  readonly build: BuildWorker;
  readonly port: number;
  readonly dataDir: string;
  readonly bindings: Readonly<Record<string, string>>;
}): Promise<Result<Runtime, string>> {
  const built = await options.build();
  if (!built.ok) return built;
  const { name, crons, vars, options: workerOptions } = built.value.config;
  const { serviceBindings } = workerOptions;

  const stopping = new Stopping();
  const tie = tieWorkerd();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // This is Miniflare's own entry, which nobody uses: see unsafeDirectSockets.
      host: LOOPBACK,
      port: 0,
      cf: false,
      logRequests: false,
      ...(process.env.INSPECTOR_PORT === undefined ? {} : { inspectorPort: Number(process.env.INSPECTOR_PORT) }),
      resourcePersistencePath: options.dataDir,
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: printLog,
      workers: [
        {
          ...workerOptions,
          name,
          modules: [{ type: "ESModule", path: "index.mjs", contents: built.value.source }],
          bindings: { ...vars, ...options.bindings },
          unsafeDirectSockets: [{ host: LOOPBACK, port: options.port, entrypoint: FRONT }],
          serviceBindings: {
            ...(typeof serviceBindings === "object" ? serviceBindings : {}),
            STOPPING: () => stopping.ask(),
            NETWORK: { network: network(process.env.NODE_EXTRA_CA_CERTS) },
          },
        },
      ],
    }),
  );
  try {
    await miniflare.ready;
  } catch (error) {
    // workerd has already ended. dispose() would throw the same error again.
    await tie.release();
    if (error instanceof Error && "code" in error && error.code === "ERR_ADDRESS_IN_USE")
      return err(portInUse(options.port));
    return err(`workerd did not start: ${messageOf(error)}`);
  }
  return ok({
    crons,
    async stop() {
      if (stopping.asking > 0) {
        stopping.tell();
        await sleep(FLUSH_MS);
      }
      await miniflare.dispose();
      await tie.release();
    },
  });
}

/** Prints the Worker's log on the stream where a shell expects it. */
function printLog({ level, message }: { level: string; message: string }): void {
  if (level === "error" || level === "warn") console.error(message);
  else if (level !== "debug") console.log(message);
}
