/** The English of doc comments (CONTRIBUTING.md): a noun as subject, at most 20 words in the first sentence, no word of the list. */
import { describe, expect, it } from "vitest";
import { filesBelow, read } from "./sources.ts";

const FOLDERS = ["src", "durable-objects", "web", "local", "scripts"];
const MAX_WORDS = 20;

/** Words that make a reader look twice, each with its plain counterpart. */
const BANNED: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, "name the one: the caller, the operator, a client"],
  [/\bwhatever\b|\bwhichever\b/i, "any, or a second sentence"],
  [/\bin vain\b/i, "for nothing"],
  [/\banew\b/i, "again"],
  [/\bmend(?:s|ed|ing)?\b/i, "fix, correct"],
  [/\b(?:hangs?|hung) up\b/i, "abort, close"],
  [/\b(?:made|makes?) up for\b/i, "catch up on, replace"],
  [/\btold of\b/i, "hear, get, be shown"],
  [/\blet go of\b/i, "release"],
  [/\bas it stands\b/i, "leave it out"],
];

/** Beginnings without a noun. */
const HEADLESS = /^(?:What|Whatever|Who|Whoever|How|That|A thing)\b/;

type Doc = { readonly at: string; readonly text: string; readonly first: string };

const docs: readonly Doc[] = FOLDERS.flatMap((folder) =>
  filesBelow(folder)
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap(docsOf),
);

function docsOf(file: string): Doc[] {
  const source = read(file);
  return [...source.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\//gm)].map((found) => {
    const lines = (found[1] ?? "").split("\n").map((line) => line.replace(/^[ \t]*\*? ?/, ""));
    const text = lines.join("\n").trim();
    // A list, a tag or a table begins a part of its own.
    const lead = text.split(/\n\s*(?:\n|@|- |\d\. )|\n {2,}/)[0]?.replace(/\s+/g, " ") ?? "";
    const first = /^.*?[.!?](?=\s|$)/.exec(lead)?.[0] ?? lead;
    return { at: `${file}:${source.slice(0, found.index).split("\n").length}`, text, first };
  });
}

describe("a doc comment", () => {
  it("is seen at all", () => {
    expect(docs.length).toBeGreaterThan(1_000);
  });

  it(`says one fact in its first sentence, in at most ${MAX_WORDS} words`, () => {
    expect(docs.filter(({ first }) => first.split(" ").length > MAX_WORDS).map(shown)).toEqual([]);
  });

  it("begins with a noun or a verb, not with what, who, how or that", () => {
    expect(docs.filter(({ first }) => HEADLESS.test(first)).map(shown)).toEqual([]);
  });

  it.each(BANNED)("does without %s: %s", (word) => {
    expect(docs.filter(({ text }) => word.test(text)).map(shown)).toEqual([]);
  });
});

const shown = ({ at, first }: Doc): string => `${at}: ${first}`;
