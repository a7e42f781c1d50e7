/** The editor of the user. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/**
 * `text` after the user has changed it in VISUAL or EDITOR. Throws a {@link Failure} if there is no editor, or it fails.
 */
export function editText(text: string, name: string, { env }: Terminal): string {
  const editor = env.VISUAL || env.EDITOR;
  if (editor === undefined)
    throw new Failure("No editor is set.", "Set EDITOR, or give the fields as options: see --help.");
  const folder = mkdtempSync(join(tmpdir(), "reveille-"));
  const file = join(folder, name);
  try {
    writeFileSync(file, text, { mode: 0o600 });
    // The shell runs it, since EDITOR may contain options.
    const ended = spawnSync("sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
    if (ended.status !== 0)
      throw new Failure(`The editor ended with ${ended.status ?? ended.signal}; nothing was changed.`);
    return readFileSync(file, "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
