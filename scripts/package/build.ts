/**
 * Builds the content of `npm pack` into dist/package. It has the modules of the package and its command as ESM for Node,
 * bundlers and Workers, and their types. It also has the Worker that `reveille start` runs, the dashboard, and the JSON
 * Schema of job files. npm runs it before it packs.
 */
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type BuildOptions, build, type Plugin, stop } from "esbuild";
import { bundleWorker } from "../../local/bundle.ts";
import { readWorkerConfig } from "../../local/worker-config.ts";
import type { Result } from "../../src/domain/result.ts";
import { buildDashboard } from "../../web/build.ts";
import { clientTypes } from "./api-types.ts";
import { jobFileSchema } from "./job-file-schema.ts";
import { describedApi } from "./routes.ts";
import { writeTypes } from "./types.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const TARGET = join(ROOT, "dist/package");

/** The exports of the package by name. The client's types are written from the API's description. */
const TYPED = { index: "src/index.ts", agent: "src/agent-kit/agent-kit.ts" };
const MODULES = { ...TYPED, client: "src/client/client.ts" };

/** The Worker in the package, which is already built. */
const builtWorker: Plugin = {
  name: "built-worker",
  setup(given) {
    given.onResolve({ filter: /\/worker-here\.ts$/ }, () => ({ path: join(ROOT, "local/worker-of-package.ts") }));
  },
};

/** Builds the package into the empty folder `folder`. Rejects with the faults of the sources. */
async function buildPackage(folder: string): Promise<void> {
  const shared = {
    absWorkingDir: ROOT,
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    sourcemap: true,
    packages: "external",
    external: ["cloudflare:*"],
    logLevel: "error",
  } satisfies BuildOptions;
  await build({ ...shared, entryPoints: entries(MODULES), platform: "neutral" });
  await build({
    ...shared,
    entryPoints: entries({ cli: "src/cli/main.ts" }),
    chunkNames: "cli/[name]-[hash]",
    platform: "node",
    splitting: true,
    plugins: [builtWorker],
  });
  await writeFile(join(folder, "client.d.ts"), clientTypes(await describedApi(ROOT, folder)));
  await writeTypes(ROOT, folder, TYPED);
  await writeFile(join(folder, "job-file.schema.json"), `${JSON.stringify(jobFileSchema(), null, 2)}\n`);
  await writeWorker(folder);
}

const entries = (modules: Readonly<Record<string, string>>) =>
  Object.entries(modules).map(([name, path]) => ({ in: join(ROOT, path), out: name }));

/** The Worker and the dashboard as `reveille start` serves them, with their part of wrangler.toml. */
async function writeWorker(folder: string): Promise<void> {
  orThrow(await buildDashboard());
  const config = orThrow(await readWorkerConfig(join(ROOT, "wrangler.toml")));
  const source = orThrow(await bundleWorker(config.main, config.define, config.workerFirst));
  await mkdir(join(folder, "worker"));
  await writeFile(join(folder, "worker/worker.mjs"), source.value);
  // The folders of this machine do not exist on another one: see local/worker-of-package.ts.
  const { rootPath: _root, ...options } = config.options;
  const moved = {
    ...config,
    main: "worker.mjs",
    options: { ...options, assets: { ...assetsOf(options), directory: "web" } },
  };
  await writeFile(join(folder, "worker/config.json"), JSON.stringify(moved));
  await cp(join(ROOT, "dist/web"), join(folder, "web"), { recursive: true });
}

const assetsOf = ({ assets }: { readonly assets?: unknown }): object =>
  typeof assets === "object" && assets !== null ? assets : {};

function orThrow<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

/** Builds aside and moves the whole into place, so that nobody finds half a package. */
async function main(): Promise<void> {
  const fresh = `${TARGET}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await buildPackage(fresh);
  await rm(TARGET, { recursive: true, force: true });
  await rename(fresh, TARGET);
}

try {
  await main();
} finally {
  await stop();
}
