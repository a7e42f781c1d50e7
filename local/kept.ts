/**
 * Keeps built results in dist/kept until a file that they depend on changes. Building takes most of the time of a start.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";

export const KEPT = resolve(import.meta.dirname, "../dist/kept");

/** A result, with the files and folders (absolute) that it was built from, and those that the build wrote. */
export type Built<T> = {
  readonly value: T;
  readonly files: readonly string[];
  readonly outputs?: readonly string[];
};

type Kept<T> = { readonly key: string; readonly value: T; readonly files: Readonly<Record<string, string>> };

/**
 * Returns the value kept at `path`, or builds it if its key or one of its files has changed. A value that JSON cannot hold
 * is not kept. Errors are those of `build`.
 */
export async function keptOrBuilt<T>(
  path: string,
  key: string,
  build: () => Promise<Result<Built<T>, string>>,
): Promise<Result<T, string>> {
  const known = await recall<T>(path, key);
  if (known !== undefined) return ok(known.value);
  const begunAt = Date.now();
  const built = await build();
  if (!built.ok) return built;
  const { value, files, outputs = [] } = built.value;
  const hashes = Object.fromEntries([...files, ...outputs].map((file) => [file, hashOf(file)]));
  // The build may have read a file before it was saved again. In that case the next start builds again.
  const isSettled = files.every((file) => changedAt(file) <= begunAt);
  if (isSettled && isPlain(value)) await keep(path, { key, value, files: hashes });
  return ok(value);
}

/** The kept value. Undefined if there is none, or it was built from something else. */
async function recall<T>(path: string, key: string): Promise<Kept<T> | undefined> {
  try {
    const kept: Kept<T> = JSON.parse(await readFile(path, "utf8"));
    const isSame = kept.key === key && Object.entries(kept.files).every(([file, hash]) => hashOf(file) === hash);
    return isSame ? kept : undefined;
  } catch {
    // The file is missing or cut off by a full disk. In both cases the value is built again.
    return undefined;
  }
}

/** Writes in one step, so that nobody reads half a file. If it cannot be written, the next start builds again. */
async function keep<T>(path: string, kept: Kept<T>): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, JSON.stringify(kept));
    await rename(temporary, path);
  } catch (error) {
    console.warn(`The built files cannot be kept for the next start: ${messageOf(error)}`);
  }
}

/** The hash of the content, so that a file with only another date has not changed. */
function hashOf(path: string): string {
  return createHash("sha256").update(contentOf(path)).digest("base64url");
}

/**
 * The content of a file, or the names in a folder. A missing file has none. Hundreds of small files are read faster without
 * promises.
 */
function contentOf(path: string): Uint8Array | string {
  try {
    return statSync(path).isDirectory() ? readdirSync(path).join("\n") : readFileSync(path);
  } catch {
    return "";
  }
}

/** When the file was written, in whole epoch ms. A missing file counts as old. */
const changedAt = (path: string): number => Math.floor(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);

/** Whether JSON can hold it. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  const prototype: unknown = Object.getPrototypeOf(value);
  const isData = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  return isData && Object.values(value).every(isPlain);
}

/** The name of a file that is kept for each of several paths. */
export const nameFor = (path: string): string => createHash("sha256").update(path).digest("hex");
