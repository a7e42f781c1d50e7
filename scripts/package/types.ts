/** The package's declarations: the client's from the API's description, the others from `tsc`, cut down to what is reached. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { promisify } from "node:util";

/** Imports of a declaration, also those written as `import("…")`. */
const SPECIFIER = /((?:from|import)\s*\(?\s*")(\.{1,2}\/[^"]+)\.ts(")/g;

/**
 * Declarations of the modules in `entries` (paths in `root`, by the name that they have in the package), written to `folder`.
 * Each is a file `NAME.d.ts` that passes on what lies under `types/`. Rejects with what the compiler says.
 */
export async function writeTypes(
  root: string,
  folder: string,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  const emitted = join(folder, ".types");
  const project = join(root, "tsconfig.package.json");
  const node = [join(root, "node_modules/typescript/bin/tsc"), "-p", project, "--outDir", emitted];
  await promisify(execFile)(process.execPath, node, { cwd: root }).catch((error: { readonly stdout?: string }) => {
    throw new Error(`the types do not compile:\n${error.stdout ?? String(error)}`);
  });
  const reached = new Map<string, string>();
  for (const [name, source] of Object.entries(entries)) {
    const entry = source.replace(/\.ts$/, ".d.ts");
    await reach(emitted, entry, reached);
    const from = `./types/${entry.replace(/\.d\.ts$/, ".js")}`;
    const hasDefault = /^export default /m.test(reached.get(entry) ?? "");
    const lines = [`export * from "${from}";`, ...(hasDefault ? [`export { default } from "${from}";`] : [])];
    await writeFile(join(folder, `${name}.d.ts`), `${lines.join("\n")}\n`);
  }
  for (const [file, text] of reached) {
    const path = join(folder, "types", file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  await rm(emitted, { recursive: true });
}

/** Adds `file` and everything that it imports, with specifiers that every resolver knows. */
async function reach(folder: string, file: string, reached: Map<string, string>): Promise<void> {
  if (reached.has(file)) return;
  const text = await readFile(join(folder, file), "utf8");
  reached.set(file, text.replace(SPECIFIER, "$1$2.js$3"));
  for (const [, , specifier = ""] of text.matchAll(SPECIFIER)) {
    await reach(folder, relative(".", normalize(join(dirname(file), `${specifier}.d.ts`))), reached);
  }
}
