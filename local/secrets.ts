/**
 * Secrets generated for this machine, each in its own file in DATA_DIR. So tokens stay valid from one start to the next.
 */

import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";

const SECRET_BYTES = 32;
const OWNER_ONLY_FILE = 0o600;

export type SecretName = "ADMIN_TOKEN" | "TOKEN_SECRET" | "AGENT_SECRET";

/**
 * The secret in the folder `dataDir`. If there is none, a new one is stored there (mode 0600). Errors with the reason if
 * the file cannot be used.
 */
export async function keepSecret(dataDir: string, name: SecretName): Promise<Result<string, string>> {
  const path = join(dataDir, name);
  try {
    const kept = await readIfThere(path);
    if (kept !== "") return ok(kept);
    const secret = makeSecret(name);
    // The file is written aside and renamed, so a crash leaves the whole secret or none.
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

/** The file's text without blanks around it. Empty if there is no file. */
async function readIfThere(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
