/**
 * The commands of the documentation are run unchanged against a fresh service, and the answers are compared with the page.
 *
 * A block is fenced as `sh run`, or as `sh norun="why"`, so that each omission has a reason. The blocks of a page run in order in one
 * shell. A `json` or `text` block right after one is its last output. In it `…` stands for any text, and fields may be left out.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGES = [
  "README.md",
  "web/public/llms.txt",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
/** The address and token of a reader's service, which are replaced by those of the tests' service. */
const READERS_URL = "http://127.0.0.1:8787";
const READERS_DATA = ".reveille/";
/** Printed between the blocks of a page. */
const END_OF_BLOCK = "--- end of block ---";
const BEATS_EVERY_MS = 30 * 60_000;
/** Time for the tick to log a beat, and for the commands of a page to show one. */
const BEAT_MS = 2_000;
const PAGE_MS = 20_000;
/** curl by itself would report a refusal as a success. */
const PRELUDE = `set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n`;

type Block = {
  readonly info: string;
  readonly code: string;
  readonly line: number;
  readonly shows?: string | undefined;
};

/** The fenced blocks of a page; `shows` is the code of the `json` or `text` block that follows with nothing in between. */
function blocksOf(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const found = [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [all, info = "", code = ""] = match;
    return { info, code, from: match.index, to: match.index + all.length };
  });
  return found.map(({ info, code, from, to }, index) => {
    const next = found[index + 1];
    const follows = next !== undefined && text.slice(to, next.from).trim() === "" && /^(?:json|text)$/.test(next.info);
    return { info, code, line: text.slice(0, from).split("\n").length, ...(follows ? { shows: next.code } : {}) };
  });
}

const pages = PAGES.map((page) => ({
  page,
  shell: blocksOf(page).filter(({ info }) => /^(?:sh|bash|shell)\b/.test(info)),
}));

it.each(pages)("$page: every shell block is run, or says why not", ({ shell }) => {
  const silent = shell.filter(({ info }) => !/^sh run$|^sh norun="[^"]{10,}"$/.test(info));
  expect(silent.map(({ line, info }) => `line ${line}: ${info}`)).toEqual([]);
});

describe("the commands do what the page says", () => {
  let reveille: Reveille;
  let dataDir: string;
  let environment: Record<string, string>;
  beforeAll(async () => {
    dataDir = await temporaryFolder();
    reveille = await startReveille({ dataDir });
    const claims = { role: "agent", agent_id: "tester", expires_in: "1h" };
    const minted = await (await reveille.api("/v1/tokens", { json: claims })).json();
    const { token } = z.object({ token: z.string() }).parse(minted);
    environment = {
      REVEILLE_URL: reveille.url,
      REVEILLE_TOKEN: reveille.adminToken,
      REVEILLE: reveille.url,
      AUTH: `Authorization: Bearer ${reveille.adminToken}`,
      TOKEN: token,
    };
  });

  const runnable = pages
    .map(({ page, shell }) => ({ page, blocks: shell.filter(({ info }) => info === "sh run") }))
    .filter(({ blocks }) => blocks.length > 0);

  it("some pages have commands", () => {
    expect(runnable.flatMap(({ blocks }) => blocks).length).toBeGreaterThan(10);
  });

  it.each(runnable)("$page", async ({ blocks }) => {
    if (blocks.some(({ code }) => code.includes("/beats"))) await clearOfScheduledBeats();
    const script = blocks.map(({ code }) => `${code}\nprintf '\\n%s\\n' '${END_OF_BLOCK}'\n`).join("");
    const here = script.replaceAll(READERS_URL, reveille.url).replaceAll(READERS_DATA, `${dataDir}/`);
    const printed = (await runShell(PRELUDE + here, environment)).split(`\n${END_OF_BLOCK}\n`);
    for (const [index, { shows, line }] of blocks.entries()) {
      if (shows === undefined) continue;
      const given = printed[index]?.trim() ?? "";
      const differs = isJson(shows)
        ? differences(JSON.parse(shows), parse(given), "$")
        : differences(shows.trim(), given, "$");
      expect(differs, `the block on line ${line} printed: ${given}`).toEqual([]);
    }
  });
});

/** Waits for a moment without scheduled beats, at :00 and :30 by the machine's clock, since the pages show none. */
async function clearOfScheduledBeats(): Promise<void> {
  const sinceBeat = Date.now() % BEATS_EVERY_MS;
  if (sinceBeat < BEAT_MS) await sleep(BEAT_MS - sinceBeat);
  else if (sinceBeat > BEATS_EVERY_MS - PAGE_MS) await sleep(BEATS_EVERY_MS - sinceBeat + BEAT_MS);
}

async function runShell(script: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const shell = promisify(execFile)("bash", ["-c", script], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  });
  return (await shell).stdout;
}

const isJson = (text: string): boolean => text.trimStart().startsWith("{");

/** The parsed JSON, or the text itself if it is not JSON, so that the comparison shows the output. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The places where `given` differs from the shown answer. Objects may have further fields, and arrays further items at the end. */
function differences(shown: unknown, given: unknown, path: string): string[] {
  if (typeof shown === "object" && shown !== null && typeof given === "object" && given !== null) {
    const fields = new Map(Object.entries(given));
    return Object.entries(shown).flatMap(([key, value]) => differences(value, fields.get(key), `${path}.${key}`));
  }
  if (typeof shown === "string" && typeof given === "string") {
    const pattern = shown.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${pattern.join("[^]*")}$`).test(given) ? [] : [`${path}: shown "${shown}", given "${given}"`];
  }
  return Object.is(shown, given) ? [] : [`${path}: shown ${JSON.stringify(shown)}, given ${JSON.stringify(given)}`];
}
