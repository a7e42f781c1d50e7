/**
 * Durations as text (docs/contract.md §1): Go's `time.ParseDuration`, plus `d` (24 h) and `w` (7 d). They are read in whole
 * nanoseconds as in Go, so `1.1s` is 1100 ms and not 1100.0000000000002.
 */
import { err, ok, type Result } from "../result.ts";

const NS_PER_MS = 1_000_000n;

const UNIT_NS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n], // micro sign, what keyboards type
  ["\u03bcs", 1_000n], // Greek mu, what Unicode prefers; Go takes both
  ["ms", NS_PER_MS],
  ["s", 1_000n * NS_PER_MS],
  ["m", 60_000n * NS_PER_MS],
  ["h", 3_600_000n * NS_PER_MS],
  ["d", 86_400_000n * NS_PER_MS],
  ["w", 604_800_000n * NS_PER_MS],
]);

/** Go's int64 of nanoseconds: about 292 years. */
const MAX_NS = 2n ** 63n - 1n;

const EXAMPLES = `write it like "90s", "30m", "1h30m" or "7d" (units ns us ms s m h d w)`;

const PART = /(\d*)(?:\.(\d*))?([^\d.]*)/y;

/**
 * The milliseconds of a Go duration such as `300ms`, `1h30m`, `1.5h` or `-2d`. The number is whole unless the text goes
 * below a millisecond (`1us` is 0.001). Negative durations are read as Go reads them; a caller that needs a positive one
 * checks it. The error says how to write a duration.
 */
export function parseDuration(text: string): Result<number, string> {
  const refuse = (why: string) => err(`"${text}" is not a duration: ${why}; ${EXAMPLES}`);
  const sign = text.startsWith("-") ? -1 : 1;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  // The only duration that Go takes without a unit.
  if (body === "0") return ok(0);
  if (body === "") return refuse("it has no number");

  let total = 0n;
  let at = 0;
  while (at < body.length) {
    PART.lastIndex = at;
    const match = PART.exec(body);
    const whole = match?.[1] ?? "";
    const fraction = match?.[2] ?? "";
    const unit = match?.[3] ?? "";
    if (whole === "" && fraction === "") return refuse(`a number is missing before "${body.slice(at)}"`);
    if (unit === "") return refuse(`a unit is missing after "${body.slice(at)}"`);
    const unitNs = UNIT_NS.get(unit);
    if (unitNs === undefined) return refuse(`"${unit}" is not a unit`);
    total += BigInt(whole === "" ? "0" : whole) * unitNs + fractionNs(fraction, unitNs);
    if (total > MAX_NS) return refuse("it is longer than 292 years");
    at = PART.lastIndex;
  }
  const ms = Number(total / NS_PER_MS) + Number(total % NS_PER_MS) / 1e6;
  return ok(ms === 0 ? 0 : sign * ms);
}

/**
 * The digits after the point, in nanoseconds. It uses floating point and drops excess digits, because Go does so. In Go
 * `0.3333333333333333333h` is exactly 20m; exact arithmetic gives one nanosecond less.
 */
function fractionNs(digits: string, unitNs: bigint): bigint {
  if (digits === "") return 0n;
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const longer = value * 10n + BigInt(digit);
    if (longer > MAX_NS) break;
    value = longer;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unitNs) / scale)));
}

/**
 * The canonical text of a duration in milliseconds: `1h30m`, `1m30s`, `1.5ms`. It is Go's, without parts that are zero.
 * Hours are the largest unit, so Go's `ParseDuration` can read it. It is exact to the nanosecond:
 * `parseDuration(formatDuration(ms))` gives `ms` back.
 */
export function formatDuration(ms: number): string {
  const ns = BigInt(Math.trunc(ms)) * NS_PER_MS + BigInt(Math.round((ms % 1) * 1e6));
  if (ns === 0n) return "0s";
  const sign = ns < 0n ? "-" : "";
  const size = ns < 0n ? -ns : ns;
  if (size < 1_000n * NS_PER_MS) return sign + belowOneSecond(size);
  const seconds = size / 1_000_000_000n;
  const parts = [
    [seconds / 3_600n, "h"],
    [(seconds / 60n) % 60n, "m"],
  ] as const;
  const head = parts.map(([count, unit]) => (count === 0n ? "" : `${count}${unit}`)).join("");
  const tail = decimal(size % 60_000_000_000n, 9);
  return sign + head + (tail === "0" ? "" : `${tail}s`);
}

function belowOneSecond(ns: bigint): string {
  if (ns >= NS_PER_MS) return `${decimal(ns, 6)}ms`;
  return ns >= 1_000n ? `${decimal(ns, 3)}\u00b5s` : `${ns}ns`;
}

/** `value` / 10^`places` without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  const whole = digits.slice(0, -places);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/**
 * A duration from `minMs` to `maxMs`, both included, rounded to whole milliseconds after the check. The error names the
 * bound that the text breaks, for display beside the field's path.
 */
export function parseDurationWithin(text: string, minMs: number, maxMs: number): Result<number, string> {
  const duration = parseDuration(text);
  if (!duration.ok) return duration;
  const range = `use ${bound(minMs)} to ${bound(maxMs)}`;
  if (duration.value < minMs) return err(`"${text}" is too short: ${range}`);
  if (duration.value > maxMs) return err(`"${text}" is too long: ${range}`);
  return ok(Math.round(duration.value));
}

/** A limit as the contract writes it: `365d` and not `8760h`. */
function bound(ms: number): string {
  const day = 86_400_000;
  return ms > day && ms % day === 0 ? `${ms / day}d` : formatDuration(ms);
}
