/** The files of `/docs`: Swagger UI as its package brings it, and what starts it on our own /openapi.json. */
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

/** The source maps are larger than the viewer and stay behind; without this line browsers would look for them. */
function withoutMap(name: string, contents: Buffer): Uint8Array {
  if (!/\.(js|css)$/.test(name)) return contents;
  return Buffer.from(contents.toString("utf8").replace(/\n(?:\/\/|\/\*)# sourceMappingURL=.*$/, "\n"));
}
