/** The files of this repository, as the tests read them that hold rules over all of it. */
import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";

export const ROOT = join(import.meta.dirname, "..");

/** Folders that are made, not written. */
const MADE = new Set(["node_modules", "dist", "coverage", "generated", ".git", ".reveille", ".wrangler"]);

/** Every file below a folder, by its path from the root. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = normalize(join(folder, entry.name));
    if (MADE.has(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

export const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** Strings may hold what looks like a comment, so they are found too. */
const STRING_OR_COMMENT =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![\\/])\/\/[^\n]*/g;

export const withoutComments = (code: string): string =>
  code.replace(STRING_OR_COMMENT, (_all, string: string | undefined) => string ?? " ");

/** The comments of a file, each with the number of its first line. */
export const linedComments = (code: string): { readonly line: number; readonly text: string }[] =>
  [...code.matchAll(STRING_OR_COMMENT)]
    .filter(([, string]) => string === undefined)
    .map(({ 0: text, index }) => ({ line: code.slice(0, index).split("\n").length, text }));

export const commentsOf = (code: string): string =>
  linedComments(code)
    .map(({ text }) => text)
    .join("\n");
