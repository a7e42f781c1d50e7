/**
 * The English of this repository (CONTRIBUTING.md). A doc comment begins with a noun or a verb, in at most 20 words. Comments,
 * test titles and pages use no word of the list.
 */
import { describe, expect, it } from "vitest";
import { filesBelow, linedComments, read } from "./sources.ts";

const FOLDERS = ["src", "durable-objects", "web", "local", "scripts"];
const MAX_WORDS = 20;

/** The folders whose comments are read, and the pages. The contract has its own words. */
const COMMENTED = [...FOLDERS, "test", "bench", "examples"];
const PAGES = [...filesBelow("docs"), "README.md", "CONTRIBUTING.md"].filter(
  (file) => file.endsWith(".md") && file !== "docs/contract.md",
);

/** Words that make a reader look twice, each with its plain counterpart. */
const BANNED: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, "name the one: the caller, the operator, a client"],
  [/\bwhatever\b|\bwhichever\b/i, "any, or a second sentence"],
  [/\bin vain\b/i, "for nothing"],
  [/\banew\b/i, "again"],
  [/\bmend(?:s|ed|ing)?\b/i, "fix, correct"],
  [/\b(?:hangs?|hung) up\b/i, "abort, close"],
  [/\b(?:made|makes?) up for\b/i, "catch up on, replace"],
  [/\b(?:told|tells?) of\b/i, "hear, get, be shown; report"],
  [/\b(?:lets?|letting) go\b/i, "release, close"],
  [/\bas (?:it|they) stands?\b/i, "leave it out, or unchanged"],
  [/\bas good as\b/i, "the same as, nearly"],
  [/\bof before\b/i, "previous, earlier"],
  [/\b(?:brought|brings?) about\b/i, "cause"],
  [/\bin silence\b/i, "silently, without an error"],
  [/\b(?:comes?|came) to nothing\b/i, "fail"],
  [/\bnobody is told\b/i, "not reported"],
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
});

describe("comments, test titles and pages", () => {
  const texts = [
    ...COMMENTED.flatMap(filesBelow)
      .filter((file) => /\.(?:tsx?|m?js)$/.test(file))
      .flatMap(textsOf),
    ...pageLines(),
  ];

  it("are found", () => {
    for (const kind of ["comment", "title", "page"]) {
      expect(texts.filter((text) => text.kind === kind).length, kind).toBeGreaterThan(1_000);
    }
  });

  it.each(BANNED)("do without %s: %s", (word) => {
    expect(texts.filter(({ text }) => word.test(text)).map(({ at, text }) => `${at}: ${text}`)).toEqual([]);
  });
});

type Text = { readonly kind: "comment" | "title" | "page"; readonly at: string; readonly text: string };

/** The title of a test or of a table of tests, up to its closing quote. */
const TITLE = /(?:\b(?:it|describe)(?:\.\w+)*|\])\(\s*(["`])((?:\\.|(?!\1)[\s\S])*)\1/g;

function textsOf(file: string): Text[] {
  const source = read(file);
  const comments = linedComments(source).map(({ line, text }) => ({
    kind: "comment" as const,
    at: `${file}:${line}`,
    text,
  }));
  if (!file.endsWith(".test.ts")) return comments;
  const titles = [...source.matchAll(TITLE)].map(({ index, 2: text = "" }) => {
    return { kind: "title" as const, at: `${file}:${source.slice(0, index).split("\n").length}`, text };
  });
  return [...comments, ...titles];
}

/** The lines of the pages, without blocks of code. */
function pageLines(): Text[] {
  return PAGES.flatMap((file) => {
    const prose = read(file).replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""));
    const lines = prose.split("\n").map((text, index) => ({ kind: "page" as const, at: `${file}:${index + 1}`, text }));
    return lines.filter(({ text }) => text !== "");
  });
}

const shown = ({ at, first }: Doc): string => `${at}: ${first}`;
