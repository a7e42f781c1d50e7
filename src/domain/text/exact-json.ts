/**
 * Reads JSON without silently changing a number. JSON.parse rounds a number that a double cannot hold. A payload is handed
 * over as it was written (docs/contract.md §2), so its numbers are checked before they are rounded.
 */
import { LossyNumber } from "../../schema/payload.ts";

/** The place of a value: the keys and indices that lead to it from the root. */
export type JsonPath = readonly (string | number)[];

/** The stand-in for a number in the value that is read. */
export type ReadNumber = (written: string, path: JsonPath) => unknown;

/** Numbers with an exponent, a negative zero or more than 15 digits. Only these can change when they become a double. */
const MAY_BE_LOSSY = /-0|\d[eE]|\d(?:\.?\d){15}/;

/** Parses like JSON.parse, with the same errors. Numbers of a payload that a double cannot hold become a `LossyNumber`. */
export const parseExactJson = (text: string): unknown =>
  readWith(text, (written, path) =>
    isInPayload(path) && !isExact(written) ? new LossyNumber(written) : Number(written),
  );

/** Parses like {@link parseExactJson}, for a text that is a payload as a whole. */
export const parsePayload = (text: string): unknown =>
  readWith(text, (written) => (isExact(written) ? Number(written) : new LossyNumber(written)));

/**
 * Parses like {@link parseExactJson}, for jobs of the Go original, whose integers have 64 bits. A `user_id` that a double
 * cannot hold keeps its digits.
 */
export const parseImportedJson = (text: string): unknown =>
  readWith(text, (written, path) => {
    if (path.at(-1) === "user_id" && /^-?\d+$/.test(written) && !Number.isSafeInteger(Number(written))) return written;
    return isInPayload(path) && !isExact(written) ? new LossyNumber(written) : Number(written);
  });

/** Writes like JSON.stringify. A lossy number is written with its original digits. */
export const writeExactJson = (value: unknown): string => JSON.stringify(value, markLossy).replace(MARKED, "$1");

/** JSON.stringify calls `toJSON` first, so the original value is read from its holder. */
function markLossy(this: unknown, key: string, value: unknown): unknown {
  const held: unknown = typeof this === "object" && this !== null ? Reflect.get(this, key) : undefined;
  return held instanceof LossyNumber ? `\u0000${held.written}\u0000` : value;
}

const MARKED = /"\\u0000([-+.\deE]+)\\u0000"/g;

/** The places that can hold a payload: a job, a call's body, a tool's arguments, a job in a list. */
const ABOVE_PAYLOAD: ReadonlySet<string | number> = new Set(["jobs", "params", "arguments"]);

function isInPayload(path: JsonPath): boolean {
  const at = path.indexOf("payload");
  return at >= 0 && path.slice(0, at).every((key) => typeof key === "number" || ABOVE_PAYLOAD.has(key));
}

/** Whether a double holds this number exactly: writing the double gives the same decimal again. */
export function isExact(written: string): boolean {
  const value = Number(written);
  return Number.isFinite(value) && !Object.is(value, -0) && decimalOf(written) === decimalOf(String(value));
}

/** A decimal in one form. Its sign, its digits without zeros at either end, and the place of the first digit. */
function decimalOf(written: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(written) ?? [];
  const all = whole + fraction;
  const digits = all.replace(/^0+/, "");
  if (digits === "") return "0";
  const place = whole.length - (all.length - digits.length) + Number(exponent);
  return `${sign}${trimZeros(digits)}@${place}`;
}

/** The digits without the zeros at the end. A pattern would try every run of zeros within them. */
function trimZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** The depth of JSON that is read. Every front refuses deeper JSON, which would overflow the stack here. */
const MAX_DEPTH = 200;

function readWith(text: string, readNumber: ReadNumber): unknown {
  const plain: unknown = JSON.parse(text);
  if (!MAY_BE_LOSSY.test(text)) return plain;
  const reader = new Reader(text, readNumber);
  const value = reader.value([]);
  return reader.isTooDeep ? plain : value;
}

/** Reads a text that is known to be JSON. */
class Reader {
  readonly #text: string;
  readonly #readNumber: ReadNumber;
  #at = 0;
  isTooDeep = false;

  constructor(text: string, readNumber: ReadNumber) {
    this.#text = text;
    this.#readNumber = readNumber;
  }

  value(path: JsonPath): unknown {
    if (path.length > MAX_DEPTH) this.isTooDeep = true;
    if (this.isTooDeep) return undefined;
    switch (this.#peek()) {
      case "{":
        return this.#object(path);
      case "[":
        return this.#array(path);
      case '"':
        return this.#string();
      default:
        return this.#scalar(path);
    }
  }

  #object(path: JsonPath): unknown {
    const entries: [string, unknown][] = [];
    this.#at++;
    while (this.#peek() !== "}" && !this.isTooDeep) {
      const key = this.#string();
      // Skips the colon. After the value, skips the comma if there is one.
      this.#peek();
      this.#at++;
      entries.push([key, this.value([...path, key])]);
      if (this.#peek() === ",") this.#at++;
    }
    this.#at++;
    // Unlike an assignment, this makes `__proto__` a key like any other.
    return Object.fromEntries(entries);
  }

  #array(path: JsonPath): unknown {
    const items: unknown[] = [];
    this.#at++;
    while (this.#peek() !== "]" && !this.isTooDeep) {
      items.push(this.value([...path, items.length]));
      if (this.#peek() === ",") this.#at++;
    }
    this.#at++;
    return items;
  }

  #string(): string {
    this.#peek();
    const start = this.#at++;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    this.#at++;
    return String(JSON.parse(this.#text.slice(start, this.#at)));
  }

  #scalar(path: JsonPath): unknown {
    const start = this.#at;
    while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#at] ?? "")) this.#at++;
    const written = this.#text.slice(start, this.#at);
    return /^[-\d]/.test(written) ? this.#readNumber(written, path) : JSON.parse(written);
  }

  /** The next character that is not whitespace. */
  #peek(): string | undefined {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text[this.#at];
  }
}
