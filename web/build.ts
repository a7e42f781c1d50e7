/**
 * Builds the dashboard: web/index.html, web/public and web/src become the folder that the Worker serves as static assets.
 * Run by `npm start` where a file is another one, by `npm run build:web` (which wrangler runs before a deploy) and before the tests.
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build, stop } from "esbuild";
import { err, ok, type Result } from "../src/domain/result.ts";
import { docsFiles } from "./docs/files.ts";

const SOURCES = import.meta.dirname;
const ROOT = resolve(SOURCES, "..");
/** Where wrangler.toml's `[assets]` looks for them. */
const ASSETS = resolve(SOURCES, "../dist/web");
/** Files that settle what is built, beside those that are bundled. Packages change with `.package-lock.json`. */
const READ = [
  "web/index.html",
  "web/public",
  "web/tsconfig.json",
  "web/build.ts",
  "web/docs/files.ts",
  "web/docs/start.js",
  "package.json",
  "tsconfig.json",
  "node_modules/.package-lock.json",
];

/**
 * Builds into dist/web. Files that have not changed are left alone, and others replaced in one step, so that a running service
 * never serves half a file. Answers the files and folders (absolute) that it has read, and those that it has written. Errors
 * with esbuild's own messages.
 */
export async function buildDashboard(): Promise<Result<Record<"files" | "outputs", readonly string[]>, string>> {
  try {
    const files = new Map<string, Uint8Array>([["index.html", await readFile(join(SOURCES, "index.html"))]]);
    const publicNames = await readdir(join(SOURCES, "public"));
    for (const name of publicNames) files.set(name, await readFile(join(SOURCES, "public", name)));
    const { outputs, inputs } = await bundle();
    for (const { path, contents } of outputs) files.set(path, contents);
    for (const [path, contents] of await docsFiles()) files.set(path, contents);
    await mkdir(join(ASSETS, "docs"), { recursive: true });
    for (const [name, contents] of files) await place(name, contents);
    const read = [...READ, ...publicNames.map((name) => `web/public/${name}`), ...inputs].map((name) =>
      join(ROOT, name),
    );
    return ok({ files: read, outputs: [...files.keys()].map((name) => join(ASSETS, name)) });
  } catch (error) {
    return err(`the dashboard cannot be built: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    // esbuild keeps a process of its own for the next build.
    await stop();
  }
}

async function bundle() {
  const { outputFiles, metafile } = await build({
    entryPoints: [
      { in: join(SOURCES, "src/main.tsx"), out: "app" },
      { in: join(SOURCES, "src/styles/app.css"), out: "app" },
    ],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    outdir: ASSETS,
    format: "esm",
    target: ["es2022", "chrome110", "firefox115", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "eof",
    logLevel: "silent",
  });
  const outputs = outputFiles.map(({ path, contents }) => ({ path: path.slice(ASSETS.length + 1), contents }));
  return { outputs, inputs: Object.keys(metafile.inputs) };
}

async function place(name: string, contents: Uint8Array): Promise<void> {
  const path = join(ASSETS, name);
  if (await holds(path, contents)) return;
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

async function holds(path: string, contents: Uint8Array): Promise<boolean> {
  try {
    return (await readFile(path)).equals(contents);
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const built = await buildDashboard();
  if (!built.ok) {
    process.stderr.write(`${built.error}\n`);
    process.exitCode = 1;
  }
}
