/** Turns the Worker's TypeScript into the one module that workerd loads. */
import { build, stop } from "esbuild";
import { err, ok, type Result } from "../src/domain/result.ts";

/** The bundled source of `entryPoint`, with an inline source map. Errors with esbuild's own messages. */
export async function bundleWorker(
  entryPoint: string,
  define: Record<string, string>,
): Promise<Result<string, string>> {
  try {
    const result = await build({
      entryPoints: [entryPoint],
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
