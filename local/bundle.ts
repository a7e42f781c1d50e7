/** Turns the Worker's TypeScript into the one module that workerd loads. */

import { dirname, join } from "node:path";
import { build, stop } from "esbuild";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { FRONT } from "./front.ts";

const local = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/**
 * All exports of the Worker, and the same with its front ({@link FRONT}) on this machine. These are
 * the path that fires its Cron Trigger (`trigger.ts`), the relay of its sockets (`sockets.ts`), and the dashboard's
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

/**
 * The bundled source of `entryPoint` (absolute), with names and lines as they were written. A source map would treble
 * what Miniflare has to copy before workerd starts, and nothing reads it. `workerFirst` are the paths that no file is
 * served for. Errors with esbuild's own messages.
 */
export async function bundleWorker(
  entryPoint: string,
  define: Record<string, string>,
  workerFirst: readonly string[],
): Promise<Result<string, string>> {
  try {
    const result = await build({
      stdin: { contents: withFront(entryPoint, workerFirst), resolveDir: dirname(entryPoint), sourcefile: "entry.js" },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2024",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      define,
      logLevel: "silent",
    });
    const [output] = result.outputFiles;
    return output === undefined ? err(`${entryPoint} was bundled into nothing`) : ok(output.text);
  } catch (error) {
    return err(`${entryPoint} cannot be bundled: ${messageOf(error)}`);
  } finally {
    // esbuild keeps a process of its own for the next build; there is none.
    await stop();
  }
}
