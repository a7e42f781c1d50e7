/** The places that comments and docs cite: paths, sections, invariants, decisions, names of the code. A reader who follows one finds it. */
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { commentsOf, filesBelow, read } from "./sources.ts";

const CODE = /^(?:src|durable-objects|web|local|test|scripts|bench)\/.*\.tsx?$/;
const PAGE = /^(?:docs\/.*|README|CONTRIBUTING|SECURITY|AGENTS)\.?\w*\.md$|^(?:README|CONTRIBUTING|SECURITY)\.md$/;
/** Pages whose names in code type are our own, not a platform's or a client's. */
const OWN_NAMES = /^docs\/(?:architecture|glossary|decisions\/.*)\.md$/;

/** Files that a client has, or that a service answers with. They are no files of this repository. */
const ELSEWHERE =
  /^(?:\/?openapi\.json|HEARTBEAT\.md|(?:.*\/)?jobs\.json|reveille\.json|made\.json|automation\.toml|NAME\.d\.ts|\.\/node_modules\/.*)$/;

type Text = { readonly file: string; readonly text: string };

const files = filesBelow(".");
const folders = new Set(files.flatMap(foldersOf));
const topFolders = new Set([...folders].filter((folder) => !folder.includes("/")));

const pages: readonly Text[] = files.filter((file) => PAGE.test(file)).map((file) => ({ file, text: read(file) }));
const code: readonly Text[] = files.filter((file) => CODE.test(file)).map((file) => ({ file, text: read(file) }));
const comments = code.map(({ file, text }) => ({ file, text: commentsOf(text) }));
const texts = [...pages, ...comments];

describe("a citation", () => {
  it("is seen at all", () => {
    expect(cited(/[\w.-]+\.ts\b/g).length).toBeGreaterThan(200);
    expect(cited(/contract\.md §\d+/g).length).toBeGreaterThan(200);
  });

  it("names a path that is there: from the root, beside it, or as the end of one path", () => {
    const paths = cited(/(?<![\w./:@~*{}<>-])(?:\.{0,2}\/)?[\w-]+(?:[./][\w.-]+)*\/?/g).filter(({ what }) =>
      isPath(what),
    );
    expect(shown(paths.filter(({ file, what }) => !isThere(file, what)))).toEqual([]);
  });

  it("names a file of another folder with its folder, when it stands in code", () => {
    const bare = comments.flatMap((text) => citedIn(text, /(?<![\w./*-])[\w-]+(?:\.[\w-]+)*\.tsx?\b/g));
    expect(shown(bare.filter(({ file, what }) => !isNear(file, what)))).toEqual([]);
  });

  it("of the contract names a section that it has", () => {
    const sections = new Set([...read("docs/contract.md").matchAll(/^## (\d+)\./gm)].map(([, number]) => number));
    const named = cited(/contract\.md (?:§|section )(\d+)/g);
    expect(shown(named.filter(({ number }) => !sections.has(number)))).toEqual([]);
  });

  it("of an invariant names one that the architecture has", () => {
    const invariants = read("docs/architecture.md").split("## Invariants")[1]?.split("\n## ")[0] ?? "";
    const numbers = new Set([...invariants.matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => number));
    expect(shown(cited(/\binvariant (\d+)/g).filter(({ number }) => !numbers.has(number)))).toEqual([]);
  });

  it("of a decision names an existing decision", () => {
    const isMade = (number = ""): boolean =>
      files.some((file) => file.startsWith(`docs/decisions/${number.padStart(4, "0")}-`));
    expect(shown(cited(/\bdecision (\d+)/g).filter(({ number }) => !isMade(number)))).toEqual([]);
  });

  it("names what the code has, on pages about the code", () => {
    const words = new Set(code.flatMap(({ file, text }) => (file.startsWith("test/") ? [] : text.match(/[\w$]+/g))));
    const names = pages
      .filter(({ file }) => OWN_NAMES.test(file))
      .flatMap((page) => citedIn(page, /`([a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)(?:\.(\w+))?(?:\([^`]*\))?`/g));
    expect(names.length).toBeGreaterThan(10);
    expect(shown(names.filter(({ what }) => !(what.match(/\w+/g) ?? []).every((word) => words.has(word))))).toEqual([]);
  });
});

describe("a decision", () => {
  it.each(files.filter((file) => file.startsWith("docs/decisions/")))(
    "%s has status, date and its three parts",
    (file) => {
      const text = read(file);
      expect(text).toMatch(/^# \d+\. .+\n\n- Status: \w.*\n- Date: \d{4}-\d\d-\d\d\n\n/);
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
        "Context",
        "Decision",
        "Consequences",
      ]);
    },
  );
});

type Citation = { readonly file: string; readonly what: string; readonly number: string | undefined };

const cited = (pattern: RegExp): Citation[] => texts.flatMap((text) => citedIn(text, pattern));
const citedIn = ({ file, text }: Text, pattern: RegExp): Citation[] =>
  [...text.matchAll(pattern)].map(([what, number]) => ({ file, what: what.replace(/[.-]+$/, ""), number }));
const shown = (citations: readonly Citation[]): string[] => citations.map(({ file, what }) => `${file}: ${what}`);

function isPath(what: string): boolean {
  const [first = ""] = what.split("/");
  return /\w\.(?:tsx?|m?js|md|toml|py|css|html|jsonc?)$/.test(what) || (what.includes("/") && topFolders.has(first));
}

/** Whether a path leads to a file or folder from the root, or from where it is cited. */
function isNear(from: string, path: string): boolean {
  const candidates = [normalize(path), normalize(join(dirname(from), path))];
  return ELSEWHERE.test(path) || candidates.some((candidate) => files.includes(candidate) || folders.has(candidate));
}

function isThere(from: string, what: string): boolean {
  const path = what.replace(/\/$/, "");
  return isNear(from, path) || files.some((file) => file.endsWith(`/${path}`));
}

function foldersOf(file: string): string[] {
  const folder = dirname(file);
  return folder === "." ? [] : [folder, ...foldersOf(folder)];
}
