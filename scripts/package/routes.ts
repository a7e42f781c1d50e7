/**
 * The API's description, read from the routes themselves. They are bundled, since Node cannot load modules that import the
 * platform.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import * as z from "zod";

const Described = z.object({ document: z.record(z.string(), z.unknown()) });

/** The OpenAPI document of the sources in `root`. `folder` is for a temporary file. */
export async function describedApi(root: string, folder: string): Promise<Record<string, unknown>> {
  const contents = `
    import { ROUTES } from "./src/http/app.ts";
    import { openApi } from "./src/http/openapi.ts";
    export const document = openApi(ROUTES);`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "node20",
    alias: { "cloudflare:workers": join(import.meta.dirname, "no-platform.ts") },
    logLevel: "silent",
  });
  const file = join(folder, `routes.${process.pid}.mjs`);
  await writeFile(file, outputFiles[0]?.text ?? "");
  try {
    return Described.parse(await import(pathToFileURL(file).href)).document;
  } finally {
    await rm(file);
  }
}
