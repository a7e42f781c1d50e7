/** Folders for data: on the disk, as for users, and on the RAM disk of Linux. */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Medium } from "./systems/system.ts";

const RAM_DISK = "/dev/shm";
const made = new Set<string>();

process.once("exit", () => {
  // A process that was just ended may still write.
  for (const folder of made) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

/** Media of this machine; one without a RAM disk has only the disk. BENCH_DISK names a folder on the disk to measure. */
export const MEDIA: readonly Medium[] = existsSync(RAM_DISK) ? ["disk", "ram"] : ["disk"];

export async function newFolder(medium: Medium): Promise<string> {
  const base = medium === "ram" && MEDIA.includes("ram") ? RAM_DISK : (process.env.BENCH_DISK ?? tmpdir());
  const folder = await mkdtemp(join(base, "reveille-bench-"));
  made.add(folder);
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  made.delete(folder);
}

/** Bytes that the folder takes up on the disk. */
export const bytesOf = (folder: string): number =>
  Number(execFileSync("du", ["-s", "--block-size=1", folder], { encoding: "utf8" }).split("\t")[0]);
