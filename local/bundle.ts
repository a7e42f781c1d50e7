/** Turns the Worker's TypeScript into the one module that workerd loads. */

import { dirname, join } from "node:path";
import { build, stop } from "esbuild";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { FRONT } from "./front.ts";
import type { Built } from "./kept.ts";

const local = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/**
 * The source of a module with all exports of the Worker, and the Worker's front ({@link FRONT}) on this machine. The front
 * adds the path that fires its Cron Trigger (`trigger.ts`), the relay of its sockets (`sockets.ts`), and the dashboard's
 * files (`assets.ts`).
 */
const withFront = (entryPoint: string, workerFirst: readonly string[]): string => `
export * from ${JSON.stringify(entryPoint)};
import worker from ${JSON.stringify(entryPoint)};
import { withAssets } from ${local("assets.ts")};
import { withSockets } from ${local("sockets.ts")};
import { withTrigger } from ${local("trigger.ts")};
export default worker;
export const ${FRONT} = withTrigger(withSockets(withAssets(worker, ${JSON.stringify(workerFirst)})));`;

const ROOT = join(import.meta.dirname, "..");
/** The name of the module that esbuild gets on stdin. */
const ENTRY = "entry.js";
/** Files that decide what an import means, although the bundle does not contain them. */
const SETTLING = ["package.json", "tsconfig.json", "node_modules/.package-lock.json", "local/bundle.ts"];

/**
 * The bundled source of `entryPoint` (absolute), with names and lines as written. A source map would triple the size that
 * Miniflare copies before workerd starts, and nothing reads it. `workerFirst` are the paths for which no file is served.
 * Errors with esbuild's own messages.
 */
export async function bundleWorker(
  entryPoint: string,
  define: Record<string, string>,
  workerFirst: readonly string[],
): Promise<Result<Built<string>, string>> {
  try {
    const result = await build({
      stdin: { contents: withFront(entryPoint, workerFirst), resolveDir: dirname(entryPoint), sourcefile: ENTRY },
      absWorkingDir: ROOT,
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      target: "es2024",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      define,
      logLevel: "silent",
    });
    const [output] = result.outputFiles;
    if (output === undefined) return err(`${entryPoint} was bundled into nothing`);
    const inputs = Object.keys(result.metafile.inputs).filter((name) => name !== ENTRY);
    return ok({ value: output.text, files: [...inputs, ...SETTLING].map((name) => join(ROOT, name)) });
  } catch (error) {
    return err(`${entryPoint} cannot be bundled: ${messageOf(error)}`);
  } finally {
    // esbuild keeps a process for the next build, but there is none.
    await stop();
  }
}
