/** Files that people write: JSON, YAML or TOML, by the file's name; stdin is JSON or YAML. */
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml } from "yaml";
import { Failure } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** The text of a file, or of stdin for `-`. Throws a {@link Failure} where it cannot be read. */
export async function readText(file: string, terminal: Terminal): Promise<string> {
  if (file === "-") return terminal.readAll();
  try {
    return await readFile(resolve(terminal.cwd, file), "utf8");
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The value that a file holds. Throws a {@link Failure} with the place of what is wrong in it. */
export async function readDocument(file: string, terminal: Terminal): Promise<unknown> {
  return parseDocument(await readText(file, terminal), file);
}

/** `name` tells the language, and names the file in what is said of it. */
export function parseDocument(text: string, name: string): unknown {
  const shown = name === "-" ? "stdin" : name;
  try {
    switch (extname(name).toLowerCase()) {
      case ".toml":
        return plain(parseToml(text));
      case ".json":
        return JSON.parse(text);
      default:
        // YAML 1.2 holds JSON.
        return parseYaml(text, { prettyErrors: true });
    }
  } catch (error) {
    throw new Failure(`${shown} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** TOML's own dates as the text that they were written as. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
