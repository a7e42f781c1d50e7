/** The Worker in workerd on this machine, through Miniflare: what it binds and when it ticks is read from wrangler.toml. */
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { err, ok, type Result } from "../src/domain/result.ts";
import { buildDashboard } from "../web/build.ts";
import { bundleWorker, FRONT } from "./bundle.ts";
import { tieWorkerd } from "./lifeline.ts";
import { network } from "./network.ts";
import { LOOPBACK, portInUse } from "./port.ts";

export type Runtime = {
  /** Cron expressions of wrangler.toml. */
  readonly crons: readonly string[];
  /** Ends workerd. Storage is on disk at any moment, so nothing is lost. */
  stop(): Promise<void>;
};

/**
 * Starts the Worker of `configPath` on `port` with its storage in `dataDir`. `bindings` are strings in the Worker's env.
 * Errors with a sentence where the Worker does not build, the port is taken, or workerd does not start.
 */
export async function startRuntime(options: {
  readonly configPath: string;
  readonly port: number;
  readonly dataDir: string;
  readonly bindings: Readonly<Record<string, string>>;
}): Promise<Result<Runtime, string>> {
  // wrangler would say that it has found .dev.vars, whose values are not taken from it.
  process.env.WRANGLER_LOG ??= "warn";
  // Before its folder is looked at: what is in it then, its headers too, is what is served.
  const dashboard = await buildDashboard();
  if (!dashboard.ok) return dashboard;
  const config = unstable_readConfig({ config: options.configPath });
  const hasFiles = config.assets?.directory !== undefined;
  const { workerOptions, main, define } = unstable_getMiniflareWorkerOptions(config, undefined, {
    ...(hasFiles ? { overrides: { assets: { binding: "ASSETS" } } } : {}),
  });
  if (main === undefined) return err(`${options.configPath} names no main file`);
  const { serviceBindings } = workerOptions;
  // `true` gives every path to the Worker, which is what the one pattern says.
  const workerFirst = config.assets?.run_worker_first ?? [];
  const source = await bundleWorker(main, define, Array.isArray(workerFirst) ? workerFirst : workerFirst ? ["/*"] : []);
  if (!source.ok) return source;

  const tie = tieWorkerd();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // Miniflare's own door, by which nobody comes: see unsafeDirectSockets.
      host: LOOPBACK,
      port: 0,
      cf: false,
      logRequests: false,
      resourcePersistencePath: options.dataDir,
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: printLog,
      workers: [
        {
          ...workerOptions,
          name: config.name ?? "worker",
          modules: [{ type: "ESModule", path: "index.mjs", contents: source.value }],
          bindings: { ...config.vars, ...options.bindings },
          unsafeDirectSockets: [{ host: LOOPBACK, port: options.port, entrypoint: FRONT }],
          serviceBindings: {
            ...(typeof serviceBindings === "object" ? serviceBindings : {}),
            NETWORK: { network: network(process.env.NODE_EXTRA_CA_CERTS) },
          },
        },
      ],
    }),
  );
  try {
    await miniflare.ready;
  } catch (error) {
    // workerd has ended by itself; dispose() would throw this same error again.
    await tie.release();
    if (error instanceof Error && "code" in error && error.code === "ERR_ADDRESS_IN_USE")
      return err(portInUse(options.port));
    return err(`workerd did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
  return ok({
    crons: config.triggers.crons ?? [],
    async stop() {
      await miniflare.dispose();
      await tie.release();
    },
  });
}

/** What the Worker logs goes where a shell expects it. */
function printLog({ level, message }: { level: string; message: string }): void {
  if (level === "error" || level === "warn") console.error(message);
  else if (level !== "debug") console.log(message);
}
