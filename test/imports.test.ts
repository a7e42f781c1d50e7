/** The law of the house, held over every file: which way imports point, where the clock and SQL may stand, how long a file may be. */
import { statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, ROOT, read, withoutComments } from "./sources.ts";

const MAX_LINES = 400;

/**
 * The floors of the house, from the ground up (docs/architecture.md). A room uses rooms of the floors below it and no other room of
 * its own floor, for types as for code. A new folder gets its floor here, or the test fails.
 */
const FLOORS: readonly (readonly string[])[] = [
  ["src/schema"],
  ["src/domain"],
  ["src/objects", "src/log.ts", "src/map-limit.ts"],
  ["src/env.ts", "src/hooks"],
  ["src/outbound"],
  ["src/directory"],
  ["src/agent", "src/notify", "src/telemetry"],
  ["src/heartbeat", "src/users", "src/jobs"],
  ["durable-objects/storage", "durable-objects/shared"],
  [
    "durable-objects/job",
    "durable-objects/fan-out",
    "durable-objects/directory",
    "durable-objects/heartbeat",
    "durable-objects/subscription",
  ],
  ["src/http", "src/cron"],
  // A front of the API beside HTTP: its frames carry the problems that HTTP answers.
  ["durable-objects/mailbox"],
  ["src/client", "src/agent-kit", "src/index.ts"],
  ["web"],
  ["local"],
  ["src/cli"],
];
const floorOf = new Map(FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)));

/** Rooms that are published besides the Worker: nothing of it but shapes is loaded with them. */
const PUBLISHED: readonly string[] = ["src/client", "src/agent-kit"];
/** Rooms whose code runs outside the Worker: on Node, or in a browser. */
const OUTSIDE: readonly string[] = ["local", "src/cli", "web"];
const PURE: readonly string[] = ["src/schema", "src/domain"];
const PURE_PACKAGES: readonly string[] = ["zod", "croner", "@noble/hashes/sha2.js"];

/** The first two parts of the path: `src/domain`, `src/env.ts`. Everything below `local` or `web` is one room. */
function roomOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return ["local", "web"].includes(first) ? first : `${first}/${second}`;
}

const isStore = (file: string): boolean =>
  file.startsWith("durable-objects/storage/") || /^durable-objects\/.*[-/](store|schema|tables)\.ts$/.test(file);

type Import = { readonly from: string; readonly typeOnly: boolean };
type Source = {
  readonly file: string;
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly Import[];
};

const sources: readonly Source[] = ["src", "durable-objects", "local", "web"].flatMap(readSources);
const byFile = new Map(sources.map((source) => [source.file, source]));
const worker = sources.filter(({ file }) => !OUTSIDE.includes(roomOf(file)));
const pure = sources.filter(({ file }) => PURE.includes(roomOf(file)));

describe("imports", () => {
  it("are seen at all", () => {
    expect(pure.length).toBeGreaterThan(10);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(50);
  });

  it("name files that are there, with their extension", () => {
    expect(all(sources, (file, { from }) => isRelative(from) && !isFile(resolve(file, from)))).toEqual([]);
  });

  it("come from rooms that have a floor", () => {
    const rooms = new Set(sources.map(({ file }) => roomOf(file)));
    expect([...rooms].filter((room) => !floorOf.has(room))).toEqual([]);
  });

  it("point down: no file uses another room of its own floor, or one above it", () => {
    const floor = (file: string): number => floorOf.get(roomOf(file)) ?? Number.POSITIVE_INFINITY;
    const against = all(sources, (file, { from }) => {
      if (!isRelative(from)) return false;
      const target = resolve(file, from);
      return target !== "package.json" && roomOf(file) !== roomOf(target) && floor(file) <= floor(target);
    });
    expect(against).toEqual([]);
  });

  it("never come back to the file they began at", () => {
    expect(cycles()).toEqual([]);
  });

  it("of stores reach shapes, rules, contracts and the storage kernel alone", () => {
    const allowed = [...PURE, "src/objects", "durable-objects/storage"];
    const stores = sources.filter(({ file }) => isStore(file));
    const against = all(stores, (file, { from }) => {
      const room = roomOf(resolve(file, from));
      return !isRelative(from) || (room !== roomOf(file) && !allowed.includes(room));
    });
    expect(against).toEqual([]);
  });

  it("of what is published besides the Worker load shapes and rules alone", () => {
    const published = sources.filter(({ file }) => PUBLISHED.includes(roomOf(file)));
    const against = all(published, (file, { from, typeOnly }) => {
      if (typeOnly || !isRelative(from)) return false;
      return ![...PURE, ...PUBLISHED].includes(roomOf(resolve(file, from)));
    });
    expect(against).toEqual([]);
  });

  it("of schema and domain reach no package but zod, croner and a synchronous hash", () => {
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
    const files = sources.filter(({ file }) => suppressed.test(read(file)));
    expect(files.map(({ file }) => file)).toEqual([]);
  });
});

function readSources(folder: string): Source[] {
  return filesBelow(folder)
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => {
      const text = read(file);
      const code = withoutComments(text);
      return { file, code, lines: text.split("\n").length - 1, imports: importsOf(code) };
    });
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

/** Every cycle, of types too, that a walk from each file in turn comes upon. */
function cycles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const { from } of byFile.get(file)?.imports ?? []) {
      if (isRelative(from)) walk(resolve(file, from), [...path, file]);
    }
    done.add(file);
  };
  for (const file of byFile.keys()) walk(file, []);
  return found;
}
