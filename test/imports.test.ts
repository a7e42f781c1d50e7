/** The law of the house, held over every file: which way imports point, where the clock and SQL may stand, how long a file may be. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const MAX_LINES = 500;

/**
 * Each part of the house with the parts whose code it may use. Its own files it may always use, as long as none of them
 * comes back to itself. Types may besides be taken from anywhere but by the two pure parts.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  schema: [],
  domain: ["schema"],
  store: ["domain", "schema"],
  delivery: ["domain", "schema"],
  shells: ["delivery", "store", "domain", "schema"],
  http: ["delivery", "domain", "schema"],
  cron: ["delivery", "domain", "schema"],
  index: ["http", "cron", "shells", "delivery", "domain", "schema"],
  local: ["delivery", "domain", "schema"],
};
const PURE: readonly string[] = ["schema", "domain"];
const PURE_PACKAGES: readonly string[] = ["zod", "croner", "cronstrue", "@noble/hashes/sha2.js"];

/** "delivery" stands for every folder that the shells share: calling out, settings, tokens, hooks, the stubs of the objects. */
function layerOf(file: string): string {
  if (file.startsWith("local/")) return "local";
  if (file.startsWith("durable-objects/")) return isStore(file) ? "store" : "shells";
  if (file === "src/index.ts") return "index";
  const folder = file.split("/")[1] ?? "";
  return folder in LAYERS ? folder : "delivery";
}

const isStore = (file: string): boolean => /[-/](store|schema|tables)\.ts$/.test(file);

type Import = { readonly from: string; readonly typeOnly: boolean };
type Source = {
  readonly file: string;
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly Import[];
};

const sources: readonly Source[] = ["src", "durable-objects", "local"].flatMap(readSources);
const byFile = new Map(sources.map((source) => [source.file, source]));
const worker = sources.filter(({ file }) => !file.startsWith("local/"));
const pure = sources.filter(({ file }) => PURE.includes(layerOf(file)));

describe("imports", () => {
  it("are seen at all", () => {
    expect(pure.length).toBeGreaterThan(10);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(50);
  });

  it("name files that are there, with their extension", () => {
    expect(all(sources, (file, { from }) => isRelative(from) && !isFile(resolve(file, from)))).toEqual([]);
  });

  it("point one way: index, then http, cron and objects, then delivery and stores, then domain, then schema", () => {
    const against = all(sources, (file, { from, typeOnly }) => {
      if (!isRelative(from)) return false;
      const [here, there] = [layerOf(file), layerOf(resolve(file, from))];
      if (here === there || (typeOnly && !PURE.includes(here))) return false;
      return !LAYERS[here]?.includes(there);
    });
    expect(against).toEqual([]);
  });

  it("never come back to the file they began at", () => {
    expect(cycles()).toEqual([]);
  });

  it("of schema and domain reach no package but zod, croner, cronstrue and a synchronous hash", () => {
    expect(all(pure, (_file, { from }) => !isRelative(from) && !PURE_PACKAGES.includes(from))).toEqual([]);
  });

  it("of the Worker reach nothing of Node: it runs without nodejs_compat", () => {
    expect(all(worker, (_file, { from }) => from.startsWith("node:"))).toEqual([]);
  });

  it("of croner stand in one file of the Worker, so that its quirks have one home", () => {
    expect(all(worker, (_file, { from }) => from === "croner")).toHaveLength(1);
  });
});

describe("the clock and chance", () => {
  it("are arguments in schema and domain, never read there", () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\bperformance\.now\b/;
    expect(pure.filter(({ code }) => impure.test(code)).map(({ file }) => file)).toEqual([]);
  });
});

describe("SQL", () => {
  it("stands in the stores and their migrations alone", () => {
    const elsewhere = sources.filter(({ file, code }) => /\bsql\s*\.\s*exec\b/.test(code) && !isStore(file));
    expect(elsewhere.map(({ file }) => file)).toEqual([]);
  });
});

describe("files", () => {
  it(`are at most ${MAX_LINES} lines long`, () => {
    expect(sources.filter(({ lines }) => lines > MAX_LINES).map(({ file, lines }) => `${file}: ${lines}`)).toEqual([]);
  });

  it("switch no check off", () => {
    const suppressed = /@ts-(?:ignore|expect-error|nocheck)|biome-(?:ignore)/;
    const files = sources.filter(({ file }) => suppressed.test(readFileSync(join(ROOT, file), "utf8")));
    expect(files.map(({ file }) => file)).toEqual([]);
  });
});

function readSources(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => {
      const file = normalize(join(folder, name));
      const text = readFileSync(join(ROOT, file), "utf8");
      const code = withoutComments(text);
      return { file, code, lines: text.split("\n").length - 1, imports: importsOf(code) };
    });
}

/** Comments are blanked; strings, which may hold `//`, are kept. */
function withoutComments(text: string): string {
  const stringOrComment =
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![\\/])\/\/[^\n]*/g;
  return text.replace(stringOrComment, (_all, string: string | undefined) => string ?? " ");
}

function importsOf(code: string): Import[] {
  const statements = code.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:[\w$*{][^;"'()=]*?\sfrom\s+)?["']([^"']+)["']/gm,
  );
  const dynamic = code.matchAll(/\bimport\(\s*["'`]([^"'`]+)["'`]\s*\)/g);
  return [
    ...[...statements].map(([, type, from]) => ({ from: from ?? "", typeOnly: type !== undefined })),
    ...[...dynamic].map(([, from]) => ({ from: from ?? "", typeOnly: false })),
  ];
}

const isRelative = (from: string): boolean => from.startsWith(".");
const isFile = (file: string): boolean => statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile() ?? false;
const resolve = (file: string, from: string): string => normalize(join(dirname(file), from));

/** The imports that `wrong` holds for, each as `file -> what it imports`. */
function all(files: readonly Source[], wrong: (file: string, found: Import) => boolean): string[] {
  return files.flatMap(({ file, imports }) =>
    imports.filter((found) => wrong(file, found)).map(({ from }) => `${file} -> ${from}`),
  );
}

/** Every cycle of code (types vanish before anything runs) that a walk from each file in turn comes upon. */
function cycles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const { from, typeOnly } of byFile.get(file)?.imports ?? []) {
      if (isRelative(from) && !typeOnly) walk(resolve(file, from), [...path, file]);
    }
    done.add(file);
  };
  for (const { file } of sources) walk(file, []);
  return found;
}
