/** `.dev.vars`, in which wrangler keeps settings for this machine. `npm start` reads the same file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** The variables of `.dev.vars` in `folder`. Empty if there is no such file. */
export function readDevVars(folder: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
}
