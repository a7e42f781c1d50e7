/**
 * The content of wrangler.toml about a Worker, as wrangler itself reads it. To load wrangler takes longer than all
 * else of a start, so what it has made of a file is kept in dist/ until the file, wrangler or this code is another
 * one.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import type { Unstable_Config, unstable_getMiniflareWorkerOptions } from "wrangler";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";

const KEPT = resolve(import.meta.dirname, "../dist/wrangler");
const WRANGLER = createRequire(import.meta.url).resolve("wrangler/package.json");

type Options = ReturnType<typeof unstable_getMiniflareWorkerOptions>;

export type WorkerConfig = {
  readonly name: string;
  /** The absolute path of the Worker's entry point. */
  readonly main: string;
  readonly define: Record<string, string>;
  /** Cron expressions, in UTC. */
  readonly crons: readonly string[];
  readonly vars: Unstable_Config["vars"];
  /** Paths that no file of `[assets]` is served for. */
  readonly workerFirst: readonly string[];
  /** The bindings, for Miniflare, without the values of `vars` and of .dev.vars. */
  readonly options: Omit<Options["workerOptions"], "bindings">;
};

/**
 * Reads `configPath` (absolute); `keptIn` is the folder of what was read before. The folder of its `[assets]` must be there.
 * Errors with wrangler's own words.
 */
export async function readWorkerConfig(configPath: string, keptIn = KEPT): Promise<Result<WorkerConfig, string>> {
  let key: string;
  try {
    const madeOf = [configPath, WRANGLER, import.meta.filename].map((path) => readFile(path, "utf8"));
    key = hash(...(await Promise.all(madeOf)), process.env.CLOUDFLARE_ENV ?? "");
  } catch (error) {
    return err(`${configPath} cannot be read: ${messageOf(error)}`);
  }
  const kept = join(keptIn, `${hash(configPath)}.json`);
  const known = await recall(kept, key);
  if (known !== undefined) return ok(known);
  const config = await askWrangler(configPath);
  // The functions behind some bindings cannot be kept.
  if (config.ok && isPlain(config.value)) await keep(kept, { key, config: config.value });
  return config;
}

async function askWrangler(configPath: string): Promise<Result<WorkerConfig, string>> {
  // It would say that it has found .dev.vars, whose values are not taken from it.
  process.env.WRANGLER_LOG ??= "warn";
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import("wrangler");
  try {
    const config = unstable_readConfig({ config: configPath });
    const { assets, name = "worker" } = config;
    const { workerOptions, main, define } = unstable_getMiniflareWorkerOptions(
      config,
      undefined,
      assets?.directory === undefined ? {} : { overrides: { assets: { binding: "ASSETS" } } },
    );
    if (main === undefined) return err(`${configPath} names no main file`);
    const { bindings: _values, ...options } = workerOptions;
    // `true` gives every path to the Worker, which is what the one pattern says.
    const first = assets?.run_worker_first ?? [];
    const workerFirst = Array.isArray(first) ? first : first ? ["/*"] : [];
    const crons = config.triggers.crons ?? [];
    return ok({ name, main, define, crons, vars: { ...config.vars }, workerFirst, options });
  } catch (error) {
    return err(`${configPath} cannot be read: ${messageOf(error)}`);
  }
}

type Kept = { readonly key: string; readonly config: WorkerConfig };

/** Undefined where nothing is kept, or it was made of something else. */
async function recall(path: string, key: string): Promise<WorkerConfig | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, "utf8")) as Partial<Kept>;
    return kept.key === key ? kept.config : undefined;
  } catch {
    // Not there, or cut off by a full disk: made again either way.
    return undefined;
  }
}

/** In one step, so that nobody reads half of it. Where it cannot be written, the next start asks wrangler again. */
async function keep(path: string, kept: Kept): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, JSON.stringify(kept));
    await rename(temporary, path);
  } catch (error) {
    console.warn(`What wrangler has read cannot be kept for the next start: ${messageOf(error)}`);
  }
}

/** Whether JSON can hold it. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  const prototype: unknown = Object.getPrototypeOf(value);
  const isData = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  return isData && Object.values(value).every(isPlain);
}

const hash = (...texts: readonly string[]): string => createHash("sha256").update(JSON.stringify(texts)).digest("hex");
