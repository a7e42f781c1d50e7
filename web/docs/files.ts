/** The files of `/docs`: Swagger UI from its package, and the script that starts it on our own /openapi.json. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const VIEWER = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const FROM_VIEWER = ["swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE"];

/** Contents by path within the folder of static assets. */
export async function docsFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>([["docs/start.js", await readFile(join(import.meta.dirname, "start.js"))]]);
  for (const name of FROM_VIEWER) files.set(`docs/${name}`, withoutMap(name, await readFile(join(VIEWER, name))));
  return files;
}

/**
 * Removes the line about the source map. The maps are larger than the viewer and left out, so browsers must not look for
 * them.
 */
function withoutMap(name: string, contents: Buffer): Uint8Array {
  if (!/\.(js|css)$/.test(name)) return contents;
  return Buffer.from(contents.toString("utf8").replace(/\n(?:\/\/|\/\*)# sourceMappingURL=.*$/, "\n"));
}
