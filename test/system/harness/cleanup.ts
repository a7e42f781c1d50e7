/** Everything that a test file started is ended when the file is done, whether its tests passed or not. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const cleanups: (() => void | Promise<void>)[] = [];

/** Has `cleanup` called after the last test of this file, last registered first. It must be harmless when called twice. */
export function atEnd(cleanup: () => void | Promise<void>): void {
  cleanups.push(cleanup);
}

/** Ends it all. Called by the set-up, which each file has of its own: this module is loaded once for many files. */
export async function endAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

/** A new empty folder, removed at the end. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reveille-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
