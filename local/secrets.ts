/** Secrets made for this machine, each in a file of its own in DATA_DIR. Tokens stay good from one start to the next. */

import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";

const SECRET_BYTES = 32;
const OWNER_ONLY_FILE = 0o600;

export type SecretName = "ADMIN_TOKEN" | "TOKEN_SECRET" | "AGENT_SECRET";

/**
 * The secret kept in the folder `dataDir`, else a new one, which is then kept there (mode 0600).
 * Errors where the file cannot be used, saying why.
 */
export async function keepSecret(dataDir: string, name: SecretName): Promise<Result<string, string>> {
  const path = join(dataDir, name);
  try {
    const kept = await readIfThere(path);
    if (kept !== "") return ok(kept);
    const secret = makeSecret(name);
    // Written aside and renamed: a crash leaves the whole secret or none.
    await writeFile(`${path}.new`, `${secret}\n`, { mode: OWNER_ONLY_FILE });
    await rename(`${path}.new`, path);
    return ok(secret);
  } catch (error) {
    return err(`DATA_DIR cannot be used: ${messageOf(error)}`);
  }
}

function makeSecret(name: SecretName): string {
  const bytes = randomBytes(SECRET_BYTES);
  return name === "AGENT_SECRET" ? `whsec_${bytes.toString("base64")}` : bytes.toString("base64url");
}

/** The file's text without blanks around it; empty where there is no file. */
async function readIfThere(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
