/**
 * The settings of `npm start` (docs/contract.md §11), from the environment, else from `.dev.vars`. An empty value counts as
 * unset. The Worker's own settings are checked with its own schema, so a wrong one ends the start and does not fail every
 * request.
 */

import { resolve } from "node:path";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { SETTING_NAMES, settingsOf } from "../src/env.ts";

const DEFAULT_PORT = 8787;
const DEFAULT_DATA_DIR = ".reveille";
const MAX_PORT = 65_535;

/** `npm start` sets this one by itself. */
const OWN = "LOCAL";
type WorkerSetting = Exclude<(typeof SETTING_NAMES)[number], typeof OWN>;

export type Settings = {
  /** 0 asks for any free port. */
  readonly port: number;
  /** The folder of the data, absolute. */
  readonly dataDir: string;
  /** A folder with the Go original's jobs.json, absolute. */
  readonly legacyDataPath: string | undefined;
  /** Whether the Cron Trigger fires by itself, each minute. */
  readonly cron: boolean;
  readonly worker: Readonly<Partial<Record<WorkerSetting, string>>>;
};

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The settings. `environment` takes precedence over `devVars`, and relative folders start at `cwd`. Errors with one
 * sentence for each wrong setting.
 */
export function readSettings(
  environment: Variables,
  devVars: Variables,
  cwd: string,
): Result<Settings, readonly string[]> {
  const read = (name: string): string | undefined => present(environment[name]) ?? present(devVars[name]);
  const problems: string[] = [];

  const port = read("PORT") ?? String(DEFAULT_PORT);
  if (!/^\d{1,5}$/.test(port) || Number(port) > MAX_PORT) {
    problems.push(`PORT is "${port}"; it must be a whole number from 1 to ${MAX_PORT}, or 0 for any free port.`);
  }
  const cron = read("CRON") ?? "on";
  if (cron !== "on" && cron !== "off") problems.push(`CRON is "${cron}"; it must be on or off.`);
  const worker: Partial<Record<WorkerSetting, string>> = {};
  for (const name of SETTING_NAMES) {
    if (name === OWN) continue;
    const value = read(name);
    if (value !== undefined) worker[name] = value;
  }
  const problem = workerProblem(worker);
  if (problem !== undefined) problems.push(problem);
  if (problems.length > 0) return err(problems);

  const legacyDataPath = read("LEGACY_DATA_PATH");
  return ok({
    port: Number(port),
    dataDir: resolve(cwd, read("DATA_DIR") ?? DEFAULT_DATA_DIR),
    legacyDataPath: legacyDataPath === undefined ? undefined : resolve(cwd, legacyDataPath),
    cron: cron === "on",
    worker,
  });
}

/** Why the Worker would refuse these settings. Undefined if it would not. */
function workerProblem(worker: object): string | undefined {
  try {
    settingsOf(worker);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function present(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === "" ? undefined : trimmed;
}
