/** The tables of the documentation, checked against the code. No service is started. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { decideRetry } from "../../../src/domain/run/retry.ts";
import { MAX_ACTIVE_RUNS, MAX_CALLS } from "../../../src/domain/run/tick.ts";
import { compileSchedule } from "../../../src/domain/time/compile-schedule.ts";
import { describeSchedule } from "../../../src/domain/time/describe.ts";
import { formatDuration } from "../../../src/domain/time/duration.ts";
import { parseExclusion } from "../../../src/domain/time/exclude.ts";
import { bindFires } from "../../../src/domain/time/fires.ts";
import { formatLocal } from "../../../src/domain/time/instant.ts";
import { settingsOf } from "../../../src/env.ts";
import { classifyStatus } from "../../../src/outbound/response.ts";
import { Verdict } from "../../../src/schema/explanation.ts";
import * as limits from "../../../src/schema/limits.ts";
import { RetryPolicy } from "../../../src/schema/retry.ts";
import { ScheduleSpec } from "../../../src/schema/schedule.ts";
import { WARNING_CODES } from "../../../src/schema/warning.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const filesIn = (folder: string, suffix: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix) && !name.includes("node_modules"))
    .map((name) => `${folder}/${name}`);

/** The rows of the first table after `heading` (or of the page), each a list of its cells' text. */
function tableAfter(page: string, heading: string): string[][] {
  const text = read(page);
  const start = text.indexOf(heading);
  if (start < 0) throw new Error(`${page} has no "${heading}"`);
  const [table = ""] = /^\|.*\n\|[ -|]*\n((?:\|.*\n)+)/m.exec(text.slice(start)) ?? [];
  const [, , ...rows] = table.trim().split("\n");
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The text between backticks in a cell. */
const codes = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");
const code = (cell?: string): string => codes(cell)[0] ?? "";

describe("docs/schedules.md", () => {
  it.each(tableAfter("docs/schedules.md", "## When the clocks change"))(
    "%s in %s on %s, when the clock goes %s, fires %s",
    (cron, zone = "", day = "", change, fires) => {
      const schedule = compileSchedule({ cron: code(cron), timezone: zone }, { tickAligned: false });
      if (!schedule.ok) throw new Error(JSON.stringify(schedule.error));
      const noon = Date.parse(`${day}T12:00:00Z`);
      const around = bindFires(schedule.value, { anchorAt: 0 }).between(
        noon - 40 * limits.HOUR_MS,
        noon + 40 * limits.HOUR_MS,
        500,
      );
      const there = around.map((at) => formatLocal(at, zone)).filter((local) => local.startsWith(day));
      expect(there.map((local) => local.slice(11, 16) + local.slice(19)).join(", ") || "none").toBe(fires);
      expect(changesOn(zone, noon)).toContain(change);
    },
  );

  it.each(tableAfter("docs/schedules.md", "## In words"))("%s means: %s", (schedule, words) => {
    expect(describeSchedule(ScheduleSpec.parse(JSON.parse(code(schedule))))).toBe(words);
  });

  it("has every warning", () => {
    expect(
      tableAfter("docs/schedules.md", "## Warnings")
        .map(([name]) => code(name))
        .sort(),
    ).toEqual([...WARNING_CODES].sort());
  });

  it("shows valid exclusions", () => {
    const shown = tableAfter("docs/schedules.md", "## exclude").map(([, example]) => code(example));
    expect(shown.filter((text) => !parseExclusion(text).ok)).toEqual([]);
    expect(shown).toHaveLength(4);
  });

  it("shows valid cron expressions", () => {
    const shown = tableAfter("docs/schedules.md", "## cron").map(([, example]) => code(example));
    expect(shown.length).toBeGreaterThan(8);
    const refused = shown.filter((cron) => !compileSchedule({ cron }, { tickAligned: false }).ok);
    expect(refused).toEqual([]);
  });
});

/** The clock changes of a zone within 40 hours of `noon`, each as `02:00 → 03:00`; midnight is also 24:00 of the day before. */
function changesOn(zone: string, noon: number): string[] {
  const changes: string[] = [];
  for (let at = noon - 40 * limits.HOUR_MS; at < noon + 40 * limits.HOUR_MS; at += limits.MINUTE_MS) {
    const [before, after] = [formatLocal(at - limits.MINUTE_MS, zone), formatLocal(at, zone)];
    if (before.slice(19) === after.slice(19)) continue;
    const planned = new Date(Date.parse(`${before.slice(0, 19)}Z`) + limits.MINUTE_MS).toISOString().slice(11, 16);
    changes.push(
      `${planned} → ${after.slice(11, 16)}`,
      `${planned === "00:00" ? "24:00" : planned} → ${after.slice(11, 16)}`,
    );
  }
  return changes;
}

describe("docs/delivery.md", () => {
  const policy = RetryPolicy.parse({});
  it.each(tableAfter("docs/delivery.md", "With the defaults (`5s`, `10m`):"))(
    "after failed attempt %s the next one follows in %s",
    (attempt, delays) => {
      const delay = (random: number): string => {
        const decision = decideRetry({
          attempt: Number(attempt),
          policy: { maxAttempts: 10, minBackoffMs: 5_000, maxBackoffMs: 600_000 },
          random,
        });
        return decision.retry ? formatDuration(Math.round(decision.delayMs / 100) * 100) : "never";
      };
      expect([policy.min_backoff, policy.max_backoff]).toEqual(["5s", "10m"]);
      expect(`${delay(0)} to ${delay(1)}`).toBe(delays);
    },
  );

  it("says for each status how the run continues", () => {
    const rows = tableAfter("docs/delivery.md", "## What the answer means");
    const outcome = (status: number): string => {
      const row = rows.find(([answers = ""]) => covers(answers, status)) ?? rows.at(-1);
      return row?.[1] ?? "";
    };
    const expected = {
      success: "`success`",
      accepted: "stays `running`",
      gone: "`error`",
      retryable: "tried again",
      refused: "`error` at once",
    } as const;
    for (let status = 200; status <= 599; status++) {
      expect(outcome(status), String(status)).toBe(expected[classifyStatus(status)]);
    }
  });
});

/** Whether a cell such as `408, 429, 5xx` or `2xx except 202` names the status. */
function covers(cell: string, status: number): boolean {
  const [named = "", except = ""] = cell.split(" except ");
  const names = (list: string): boolean =>
    list.split(", ").some((one) => new RegExp(`^${one.replaceAll("x", "\\d")}$`).test(String(status)));
  return /^[\dx, ]+$/.test(named) && names(named) && !names(except);
}

describe("docs/runs-and-recovery.md", () => {
  it("explains every verdict of explain", () => {
    const shown = tableAfter("docs/runs-and-recovery.md", "## Why did it not run?").map(([verdict]) => code(verdict));
    expect(shown.toSorted()).toEqual(Verdict.options.toSorted());
  });
});

describe("docs/operations.md", () => {
  it("names every setting, with its default", () => {
    const [, schema = ""] = /const Settings = z\.object\(\{\n([\s\S]*?)\n\}\);/.exec(read("src/env.ts")) ?? [];
    const names = [...schema.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name]) => name);
    const rows = tableAfter("docs/operations.md", "## Settings");
    expect(rows.map(([name]) => code(name)).toSorted()).toEqual(names.toSorted());
    const defaults = new Map(rows.map(([name, fallback]) => [code(name), code(fallback)]));
    for (const [name, value] of Object.entries(settingsOf({}))) {
      if (value !== undefined) expect(defaults.get(name), name).toBe(String(value));
    }
  });

  it("gives every limit of the code", () => {
    const kib = (bytes: number): string => `${bytes / limits.KIB} KiB`;
    const range = (min: number, max: number): string => `${span(min)} to ${span(max)}`;
    const text = [kib(limits.MAX_MESSAGE_BYTES), kib(limits.MAX_PAYLOAD_BYTES)].join(", ");
    expect(Object.fromEntries(tableAfter("docs/operations.md", "## Limits"))).toEqual({
      "name, description, message, payload": `${limits.MAX_NAME_BYTES} B, ${thousands(limits.MAX_DESCRIPTION_BYTES)} B, ${text} of UTF-8`,
      labels: String(limits.MAX_LABELS),
      "output kept, error kept": `${kib(limits.MAX_OUTPUT_BYTES)}, 4 KiB`,
      "body of a call, of an import": `${kib(limits.MAX_BODY_BYTES)}, ${limits.MAX_IMPORT_BODY_BYTES / limits.KIB / limits.KIB} MiB`,
      "`every`": range(limits.MIN_EVERY_MS, limits.MAX_EVERY_MS),
      "`timeout`": range(limits.MIN_TIMEOUT_MS, limits.MAX_TIMEOUT_MS),
      "`completion_timeout`": range(limits.MIN_COMPLETION_TIMEOUT_MS, limits.MAX_COMPLETION_TIMEOUT_MS),
      "`catchup_window`": range(0, limits.MAX_CATCHUP_WINDOW_MS),
      "`retry.max_attempts`": "1 to 10",
      "active runs of one job (`allow_all`)": String(MAX_ACTIVE_RUNS),
      "calls of one job under way": String(MAX_CALLS),
      "fires of one backfill": thousands(limits.MAX_BACKFILL_FIRES),
      "fan-outs kept of an all_users job": String(limits.FAN_OUT_RETENTION),
      "a finished job stays readable for": span(limits.FINISHED_RETENTION_MS),
      "an `Idempotency-Key` is kept for": span(limits.IDEMPOTENCY_WINDOW_MS),
    });
  });
});

const thousands = (count: number): string => count.toLocaleString("en-US");
const span = (ms: number): string =>
  ms > limits.DAY_MS && ms % limits.DAY_MS === 0 ? `${ms / limits.DAY_MS}d` : formatDuration(ms);

describe("docs/storage.md", () => {
  const tables = filesIn("durable-objects", ".ts").flatMap((file) => {
    const [, folder = ""] = file.split("/");
    const object = folder.replace(/(^|-)[a-z]/g, (letter) => letter.replace("-", "").toUpperCase());
    const source = read(file);
    const added = [...source.matchAll(/ALTER TABLE (\S+) ADD COLUMN ([a-z_]+)/g)];
    return [...source.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\S+) \(\n([\s\S]*?)\n\s*\)/g)].map(
      ([, name = "", body = ""]) => ({
        title: `${object}: \`${name.startsWith("${") ? "user_run_N" : name}\``,
        columns: [
          ...new Set([
            ...[...body.matchAll(/^\s*([a-z_]+) /gm)].map(([, column]) => column),
            ...added.filter(([, table]) => table === name).map(([, , column]) => column),
          ]),
        ],
      }),
    );
  });

  it("finds the tables in the code", () => {
    expect(tables.length).toBeGreaterThan(10);
  });

  it.each(tables)("describes every column of $title, and no other", ({ title, columns }) => {
    const described = tableAfter("docs/storage.md", `### ${title}\n`).flatMap(([column]) => codes(column));
    expect(described.toSorted()).toEqual(columns.toSorted());
  });

  it("describes only existing tables", () => {
    const described = [...read("docs/storage.md").matchAll(/^### (.*)$/gm)].map(([, title]) => title);
    expect(described.toSorted()).toEqual(tables.map(({ title }) => title).toSorted());
  });
});

describe("README.md", () => {
  it("imports only exports of the package", () => {
    const lists = [...read("README.md").matchAll(/\{([^{}]*)\} from "reveille"/g)].flatMap(([, names = ""]) =>
      names.split(","),
    );
    const entry = read("src/index.ts").replace(/\/\*[\s\S]*?\*\//g, "");
    const exported = [...entry.matchAll(/^export \{([\s\S]*?)\}/gm)].flatMap(([, names = ""]) => names.split(","));
    const names = exported.map((name) => name.replace(/^[\s\S]* as /, "").trim());
    expect(lists.length).toBeGreaterThan(5);
    expect(lists.map((name) => name.trim()).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe("docs/security.md", () => {
  const rows = tableAfter("docs/security.md", "## Threats");
  it.each(rows)("%s: the test that holds the defence exists", (_threat, _against, heldBy = "") => {
    const [file, title] = [code(heldBy), /: "(.*)"$/.exec(heldBy)?.[1]];
    if (heldBy.startsWith("by reading")) return expect(existsSync(join(ROOT, file)), file).toBe(true);
    expect(read(`test/${file}`)).toContain(`"${title}"`);
  });
});

describe("every page", () => {
  const pages = [
    ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
    ...filesIn("docs", ".md"),
    ...filesIn("examples", ".md"),
  ];
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");

  it.each(pages)("%s has only valid links", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      if (!existsSync(target)) return true;
      if (anchor === undefined) return false;
      return ![...readFileSync(target, "utf8").matchAll(/^#+ (.*)$/gm)].some(
        ([, heading = ""]) => slug(heading) === anchor,
      );
    });
    expect(broken).toEqual([]);
  });
});
