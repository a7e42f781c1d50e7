/**
 * Builds the dashboard: web/index.html, web/public and web/src become the folder that the Worker serves as static assets.
 * Run by `npm start`, by `npm run build:web` (which wrangler runs before a deploy) and before the tests.
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build, stop } from "esbuild";
import { err, ok, type Result } from "../src/domain/result.ts";
import { docsFiles } from "./docs/files.ts";

const SOURCES = import.meta.dirname;
/** Where wrangler.toml's `[assets]` looks for them. */
const ASSETS = resolve(SOURCES, "../dist/web");

/**
 * Builds into dist/web. Files that have not changed are left alone, and others replaced in one step, so that a running service
 * never serves half a file. Errors with esbuild's own messages. esbuild's process stays until its `stop` is called.
 */
export async function buildDashboard(): Promise<Result<undefined, string>> {
  try {
    const files = new Map<string, Uint8Array>([["index.html", await readFile(join(SOURCES, "index.html"))]]);
    for (const name of await readdir(join(SOURCES, "public"))) {
      files.set(name, await readFile(join(SOURCES, "public", name)));
    }
    for (const { path, contents } of await bundle()) files.set(path, contents);
    for (const [path, contents] of await docsFiles()) files.set(path, contents);
    await mkdir(join(ASSETS, "docs"), { recursive: true });
    for (const [name, contents] of files) await place(name, contents);
    return ok(undefined);
  } catch (error) {
    return err(`the dashboard cannot be built: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function bundle(): Promise<{ path: string; contents: Uint8Array }[]> {
  const { outputFiles } = await build({
    entryPoints: [
      { in: join(SOURCES, "src/main.tsx"), out: "app" },
      { in: join(SOURCES, "src/styles/app.css"), out: "app" },
    ],
    bundle: true,
    write: false,
    outdir: ASSETS,
    format: "esm",
    target: ["es2022", "chrome110", "firefox115", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "eof",
    logLevel: "silent",
  });
  return outputFiles.map(({ path, contents }) => ({ path: path.slice(ASSETS.length + 1), contents }));
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
  await stop();
  if (!built.ok) {
    process.stderr.write(`${built.error}\n`);
    process.exitCode = 1;
  }
}
