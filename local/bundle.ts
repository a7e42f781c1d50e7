/** Turns the Worker's TypeScript into the one module that workerd loads. */
import { dirname, join } from "node:path";
import { build, stop } from "esbuild";
import { err, ok, type Result } from "../src/domain/result.ts";

const TRIGGER = join(import.meta.dirname, "trigger.ts");

/** All that the Worker exports, its default export with the path that fires its Cron Trigger (`trigger.ts`). */
const withTriggerPath = (entryPoint: string): string => `
export * from ${JSON.stringify(entryPoint)};
import worker from ${JSON.stringify(entryPoint)};
import { withTrigger } from ${JSON.stringify(TRIGGER)};
export default withTrigger(worker);`;

/** The bundled source of `entryPoint` (absolute), with an inline source map. Errors with esbuild's own messages. */
export async function bundleWorker(
  entryPoint: string,
  define: Record<string, string>,
): Promise<Result<string, string>> {
  try {
    const result = await build({
      stdin: { contents: withTriggerPath(entryPoint), resolveDir: dirname(entryPoint), sourcefile: "entry.js" },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2024",
      sourcemap: "inline",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      define,
      logLevel: "silent",
    });
    const [output] = result.outputFiles;
    return output === undefined ? err(`${entryPoint} was bundled into nothing`) : ok(output.text);
  } catch (error) {
    return err(`${entryPoint} cannot be bundled: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    // esbuild keeps a process of its own for the next build; there is none.
    await stop();
  }
}
