/** Replaces a few of zod's messages. For example, a missing field is not "received undefined". */
import type * as z from "zod";

/** The words about a field that was not sent. */
export const MISSING = "is required";

const MISSING_CODES: readonly string[] = ["invalid_type", "invalid_value", "invalid_union"];

export const zodWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined && MISSING_CODES.includes(issue.code)) return MISSING;
  if (issue.code === "invalid_type" && issue.expected === "string" && Array.isArray(issue.input)) {
    return "must be one string, given once";
  }
  if (issue.code === "invalid_type") return `must be ${article(issue.expected)}, not ${kindOf(issue.input)}`;
  if (issue.code === "too_small" && issue.origin === "string") {
    return issue.minimum === 1 ? "must not be empty" : `must be at least ${issue.minimum} characters long`;
  }
  if (issue.code === "too_big" && issue.origin === "string") return `must be at most ${issue.maximum} characters long`;
  if (issue.code === "too_small" && (issue.origin === "number" || issue.origin === "int")) {
    return issue.inclusive === false ? `must be more than ${issue.minimum}` : `must be at least ${issue.minimum}`;
  }
  if (issue.code === "too_big" && (issue.origin === "number" || issue.origin === "int")) {
    return `must be at most ${issue.maximum}`;
  }
  if (issue.code === "invalid_value")
    return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
  if (issue.code === "invalid_union") return noForm(issue);
  return undefined;
};

const article = (type: string): string => {
  if (type === "int" || type === "safeint") return "a whole number";
  if (type === "record" || type === "object") return "a JSON object";
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Number.isNaN(value)) return "something else";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "a JSON object";
  return article(typeof value);
}

/** The message for a union with a discriminating field. It names that field's values: `must be "webhook" or "slack"`. */
function noForm(issue: object): string {
  const options: unknown = "options" in issue ? issue.options : undefined;
  if (!Array.isArray(options) || options.length === 0) return "has none of the forms allowed here";
  return `must be ${options.map((option) => JSON.stringify(option)).join(" or ")}`;
}
