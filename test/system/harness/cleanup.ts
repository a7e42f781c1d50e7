/** Ends everything that a test file has started when the file is done, also if its tests failed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const cleanups: (() => void | Promise<void>)[] = [];

/** Registers `cleanup` for the end of this file, in reverse order. It must be harmless when called twice. */
export function atEnd(cleanup: () => void | Promise<void>): void {
  cleanups.push(cleanup);
}

/** Runs all cleanups. Each file's set-up calls it, because this module is loaded once for many files. */
export async function endAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

/** A new empty folder, removed at the end of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reveille-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
