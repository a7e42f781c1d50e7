/**
 * The package's declarations. The client's come from the API's description, the others from `tsc`, one file for each entry.
 */
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

/** A comment behind the code of its line. Editors show a comment only if it has its own line. */
const BEHIND = /([;{|}]) (\/\*\*)/g;

/**
 * Declarations of the modules in `entries`, written to `folder` as `NAME.d.ts`. Beside them they need only packages.
 * `entries` are paths in `root`, by their names in the package. Rejects with the compiler's messages.
 */
export async function writeTypes(
  root: string,
  folder: string,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  const emitted = join(folder, ".types");
  const project = join(root, "tsconfig.package.json");
  const tsc = [join(root, "node_modules/typescript/bin/tsc"), "-p", project, "--outDir", emitted];
  await promisify(execFile)(process.execPath, tsc, { cwd: root }).catch((error: { readonly stdout?: string }) => {
    throw new Error(`the types do not compile:\n${error.stdout ?? String(error)}`);
  });
  for (const [name, source] of Object.entries(entries)) {
    const declared = join(emitted, source.replace(/\.ts$/, ".d.ts"));
    await writeFile(join(folder, `${name}.d.ts`), await rolledUp(declared));
  }
  await rm(emitted, { recursive: true });
}

/** A declaration with all our declarations that it needs. Compiled ones are not generated again. */
async function rolledUp(declared: string): Promise<string> {
  const isPackage = (id: string): boolean => !/^[./]/.test(id) && !/^[A-Za-z]:[\\/]/.test(id);
  const bundle = await rolldown({
    input: declared,
    external: isPackage,
    plugins: [dts({ dtsInput: true, oxc: true, tsconfig: false })],
  });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  const [file, ...more] = output;
  if (more.length > 0) throw new Error(`the types of ${declared} came as ${output.length} files`);
  return file.code.replace(/^\/\/ .*\n/gm, "").replace(BEHIND, "$1\n$2");
}
