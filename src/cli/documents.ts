/** Files that people write: JSON, YAML or TOML, by the file's name. Stdin is JSON or YAML. */

import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml, parseDocument as parseYamlDocument } from "yaml";
import { messageOf } from "../domain/text/error-text.ts";
import { parseExactJson } from "../domain/text/exact-json.ts";
import { LossyNumber } from "../schema/payload.ts";
import { Failure } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** The text of a file, or of stdin for `-`. Throws a {@link Failure} if it cannot be read. */
export async function readText(file: string, terminal: Terminal): Promise<string> {
  if (file === "-") return terminal.readAll();
  try {
    return await readFile(resolve(terminal.cwd, file), "utf8");
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${messageOf(error)}`);
  }
}

/** The value that a file holds. Throws a {@link Failure} with the place of a fault in it. */
export async function readDocument(file: string, terminal: Terminal): Promise<unknown> {
  return parseDocument(await readText(file, terminal), file);
}

/**
 * The value of a text. `name` decides the language, and names the file in errors. Numbers that a double cannot hold keep
 * their digits.
 */
export function parseDocument(text: string, name: string): unknown {
  const shown = name === "-" ? "stdin" : name;
  // Some editors begin a file with a byte order mark.
  const clean = text.replace(/^\ufeff/, "");
  try {
    switch (extname(name).toLowerCase()) {
      case ".toml":
        return plain(parseToml(clean, { integersAsBigInt: true }));
      case ".json":
        return oneOfEach(parseExactJson(clean), clean);
      default:
        // JSON is a part of YAML 1.2.
        return plain(parseYaml(clean, { prettyErrors: true, intAsBigInt: true }));
    }
  } catch (error) {
    throw new Failure(`${shown} cannot be read: ${messageOf(error)}`);
  }
}

/**
 * `value`, as read from the JSON `text`. Throws if an object has a name twice, since JSON.parse silently keeps only one of
 * them.
 */
function oneOfEach(value: unknown, text: string): unknown {
  const [twice] = parseYamlDocument(text).errors.filter(({ code }) => code === "DUPLICATE_KEY");
  if (twice !== undefined) throw new Error(twice.message);
  return value;
}

/**
 * A plain JSON value: TOML's dates become their text, and integers become numbers. Throws for a number that JSON cannot
 * write.
 */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return BigInt(number) === value ? number : new LossyNumber(String(value));
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} is no number of JSON`);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
