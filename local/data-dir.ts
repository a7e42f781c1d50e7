/** Keeps two services out of one DATA_DIR, since each would fire every job again. */

import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { isTaken, LOOPBACK } from "./port.ts";

const FILE_NAME = "running.json";
const OWNER_ONLY_FOLDER = 0o700;

const running = z.object({ pid: z.number(), port: z.number() });

/**
 * Claims `dataDir` for the service that will listen on `port`, and creates the folder if necessary. Errors with the reason
 * if another service uses it, or it cannot be used. A claim holds while its process lives and listens on its port, so
 * nothing has to be given back.
 */
export async function claimDataDir(dataDir: string, port: number): Promise<Result<undefined, string>> {
  const path = join(dataDir, FILE_NAME);
  try {
    await makeFolder(dataDir);
    const other = parse(await readFile(path, { encoding: "utf8", flag: "a+" }));
    if (other !== undefined && other.port !== port && isAlive(other.pid) && (await isTaken(other.port))) {
      return err(
        `DATA_DIR ${dataDir} is in use by the npm start on http://${LOOPBACK}:${other.port}. Stop that one, or set another DATA_DIR.`,
      );
    }
    await writeFile(path, JSON.stringify({ pid: process.pid, port }));
  } catch (error) {
    return err(`DATA_DIR cannot be used: ${messageOf(error)}`);
  }
  return ok(undefined);
}

/** A warning if other users of this machine can read `dataDir`, which holds secrets and prompts. */
export async function openFolderWarning(dataDir: string): Promise<string | undefined> {
  const mode = (await stat(dataDir)).mode & 0o777;
  if ((mode & 0o077) === 0) return undefined;
  return `DATA_DIR ${dataDir} is open to other users of this machine (mode ${mode.toString(8)}), and it holds secrets and prompts: chmod -R go= '${dataDir}'`;
}

/**
 * Creates the folder and its parents. Node's own `recursive` loops for ever if an existing folder accepts no new one and
 * says that it does not exist, as /proc does.
 */
async function makeFolder(path: string): Promise<void> {
  if (await isMade(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  if (!(await isMade(path))) throw new Error(`there can be no folder ${path}`);
}

/**
 * Creates one folder. False if its parent does not exist or accepts no new folder. If the path exists but is no folder, its
 * use shows that.
 */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: OWNER_ONLY_FOLDER });
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    if (isCode(error, "EEXIST")) return true;
    throw error;
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

function parse(text: string): z.infer<typeof running> | undefined {
  try {
    return running.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isCode(error, "EPERM");
  }
}
