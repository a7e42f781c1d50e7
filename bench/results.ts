/** Every figure of every run, and the report made of them: medians with their spread, and the ratios of runs that alternated. */
import { median } from "./stats.ts";

export type Unit = "per_second" | "ms" | "bytes" | "count" | "times";

/** A column that compares two systems. */
export type Ratio = { readonly of: string; readonly to: string; readonly title: string };

type Key = { readonly measure: string; readonly system: string; readonly unit: Unit };

export class Results {
  readonly #values = new Map<string, { readonly key: Key; readonly values: number[] }>();

  /** One run's figure. The same measure of two systems is compared run by run. */
  add(measure: string, system: string, unit: Unit, value: number): void {
    const id = `${measure}\n${system}`;
    const entry = this.#values.get(id) ?? { key: { measure, system, unit }, values: [] };
    entry.values.push(value);
    this.#values.set(id, entry);
    console.log(`  ${measure} · ${system}: ${format(value, unit)}`);
  }

  values(measure: string, system: string): readonly number[] {
    return this.#values.get(`${measure}\n${system}`)?.values ?? [];
  }

  median(measure: string, system: string): number {
    return median(this.values(measure, system));
  }

  /** The median of the ratios of each run to the other system's run beside it. */
  ratio(measure: string, system: string, other: string): number {
    const others = this.values(measure, other);
    return median(this.values(measure, system).map((value, run) => value / (others[run] ?? Number.NaN)));
  }

  /** A table: a row for each measure that has a figure, a column for each system, and one for each ratio. */
  table(measures: readonly string[], systems: readonly string[], ratios: readonly Ratio[]): string[] {
    const has = (measure: string, system: string): boolean => this.values(measure, system).length > 0;
    const present = systems.filter((system) => measures.some((measure) => has(measure, system)));
    const compared = ratios.filter(({ of, to }) => measures.some((measure) => has(measure, of) && has(measure, to)));
    return table(
      ["", ...present, ...compared.map(({ title }) => title)],
      measures
        .filter((measure) => present.some((system) => has(measure, system)))
        .map((measure) => [
          measure,
          ...present.map((system) => this.cell(measure, system)),
          ...compared.map(({ of, to }) => format(this.ratio(measure, of, to), "times")),
        ]),
    );
  }

  /** The median, and the spread of several runs. Empty if there is no figure. */
  cell(measure: string, system: string): string {
    const entry = this.#values.get(`${measure}\n${system}`);
    if (entry === undefined) return "";
    const { values, key } = entry;
    const middle = format(median(values), key.unit);
    if (values.length === 1) return middle;
    return `**${middle}** (${format(Math.min(...values), key.unit)} to ${format(Math.max(...values), key.unit)})`;
  }
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)];
}

export function format(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return "";
  switch (unit) {
    case "ms":
      return value >= 1_000 ? `${(value / 1_000).toFixed(2)} s` : `${value.toFixed(value < 100 ? 1 : 0)} ms`;
    case "bytes":
      return `${(value / 1_000).toFixed(1)} kB`;
    case "per_second":
      return `${group(value)}/s`;
    case "times":
      return value.toFixed(2);
    case "count":
      return group(value);
  }
}

const group = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : String(Math.round(value * 100) / 100);
