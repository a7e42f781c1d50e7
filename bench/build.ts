/** Bundles of the served Workers: Reveille as `npm start` bundles it, and the Workers to compare with. */
import { builtinModules } from "node:module";
import { resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { unstable_readConfig } from "wrangler";
import * as z from "zod";
import type { BareWorker } from "./workerd.ts";

export const ROOT = resolve(import.meta.dirname, "..");

export type Bundle = Pick<BareWorker, "source" | "objects" | "compatibilityDate" | "compatibilityFlags">;

const Bindings = z.array(z.looseObject({ name: z.string(), class_name: z.string() }));

const config = unstable_readConfig({ config: `${ROOT}/wrangler.toml` });

/** Reveille. `entry` is its own `src/index.ts`, or a Worker that wraps it. Its bindings are read from wrangler.toml. */
export async function bundleReveille(entry = "src/index.ts"): Promise<Bundle> {
  const objects = Bindings.parse(config.durable_objects.bindings).map(({ name, class_name }) => [name, class_name]);
  return { source: await bundle(`${ROOT}/${entry}`), objects: Object.fromEntries(objects), ...COMPATIBILITY };
}

/** One of `bench/workers`, with one class of objects bound as JOB. */
export async function bundleWorker(file: string, className: string, flags: readonly string[] = []): Promise<Bundle> {
  return {
    source: await bundle(`${ROOT}/bench/workers/${file}`),
    objects: { JOB: className },
    compatibilityDate: config.compatibility_date ?? "",
    compatibilityFlags: flags,
  };
}

const COMPATIBILITY = {
  compatibilityDate: config.compatibility_date ?? "",
  compatibilityFlags: config.compatibility_flags,
};

const bundles = new Map<string, Promise<string>>();

/** Each bundle is made once, however often it is served. */
function bundle(entryPoint: string): Promise<string> {
  const made = bundles.get(entryPoint) ?? make(entryPoint);
  bundles.set(entryPoint, made);
  return made;
}

async function make(entryPoint: string): Promise<string> {
  const result = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [builtins],
    logLevel: "silent",
  });
  return result.outputFiles[0]?.text ?? "";
}

/** Packages of the peers name Node's modules without `node:`, and require() them; workerd knows them as imports with it. */
const builtins: Plugin = {
  name: "builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${builtinModules.join("|")})$`) }, ({ path }) => ({
      path,
      namespace: "builtin",
    }));
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `export * from "node:${path}"; export { default } from "node:${path}";`,
    }));
  },
};
