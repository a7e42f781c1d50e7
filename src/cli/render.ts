/** Text for people: tables, times, colours. Programs use `--json`. */
import { stripVTControlCharacters } from "node:util";
import { stringify } from "yaml";
import type { Given } from "./command.ts";
import type { Terminal } from "./terminal.ts";

const COLORS = { red: 31, green: 32, yellow: 33, blue: 34, gray: 90, bold: 1 } as const;
export type Color = keyof typeof COLORS;

/** The text in a colour, if the terminal shows colours. */
export function paint({ isColored }: Terminal, color: Color, text: string): string {
  return isColored ? `\u001b[${COLORS[color]}m${text}\u001b[0m` : text;
}

const STATUS_COLORS: Readonly<Record<string, Color>> = {
  success: "green",
  active: "green",
  ok: "green",
  error: "red",
  failing: "red",
  overdue: "red",
  running: "blue",
  skipped: "yellow",
  paused: "yellow",
  finished: "gray",
};

/** A state or status in its colour. */
export const paintStatus = (terminal: Terminal, status: string): string => {
  const color = STATUS_COLORS[status];
  return color === undefined ? status : paint(terminal, color, status);
};

/** The width of a cell without its colours. */
const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

/** Rows under their headings. The last column is cut if the terminal is too narrow. In a pipe nothing is cut. */
export function table(terminal: Terminal, headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(widthOf(heading), ...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const last = headings.length - 1;
  const used = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0);
  const room = terminal.width === undefined ? Number.POSITIVE_INFINITY : Math.max(terminal.width - used, 10);
  const line = (row: readonly string[]): string =>
    headings
      .map((_, column) => {
        const cell = oneLine(row[column] ?? "");
        return column === last ? cut(cell, room) : cell + " ".repeat((widths[column] ?? 0) - widthOf(cell));
      })
      .join("  ")
      .trimEnd();
  return [paint(terminal, "bold", line(headings)), ...rows.map(line)].join("\n");
}

export const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${[...stripVTControlCharacters(text)].slice(0, width - 1).join("")}…`;
}

/** The units of time, each with its number in the next larger unit. */
const UNITS = [
  ["ms", 1_000],
  ["s", 60],
  ["min", 60],
  ["h", 24],
  ["d", Number.POSITIVE_INFINITY],
] as const;

/** A length of time in its largest unit: `3 min`. If it rounds to a whole next unit, that unit is used. */
export function roughly(ms: number): string {
  let size = 1;
  for (const [unit, many] of UNITS) {
    const count = Math.round(Math.abs(ms) / size);
    if (count < many) return `${count} ${unit}`;
    size *= many;
  }
  return "";
}

/** The distance of a time (RFC 3339) from `now` (epoch ms): `in 3 min`, `2 h ago`. Empty if there is no time. */
export function relative(time: string | undefined, now: number): string {
  if (time === undefined) return "";
  const ms = Date.parse(time) - now;
  return ms >= 0 ? `in ${roughly(ms)}` : `${roughly(ms)} ago`;
}

/** JSON for programs. */
export const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** A whole object: JSON for programs, YAML for people. */
export const whole = (given: Given, value: unknown): string =>
  given.flag("json") ? json(value) : stringify(value).trimEnd();
