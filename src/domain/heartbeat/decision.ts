/** Reads the fast model's decision (docs/contract.md §8): the JSON `{"action": "skip"|"run", "reason"}` and nothing else. */

import * as z from "zod";
import type { Decision } from "../../schema/heartbeat.ts";
import { KIB } from "../../schema/limits.ts";
import { err, ok, type Result } from "../result.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import { parseJson } from "../text/parse-json.ts";

const MAX_REASON_BYTES = 1_000;

/**
 * The decision as written. A model that gives no reason has still decided. Further fields are dropped, since models like to
 * explain themselves.
 */
const Written = z.object({ action: z.enum(["skip", "run"]), reason: z.string().default("") });

/** The longest decision. It is one line of JSON, so a longer answer is refused without being parsed. */
const MAX_DECISION_BYTES = 16 * KIB;
const MIN_FENCE_CHARS = 3;

const EXPECTED = 'the decision must be the JSON {"action": "skip"|"run", "reason": "…"} and nothing else';

/**
 * The decision in `text`. Whitespace around it and one code fence are removed, since fast models add them unasked. The
 * error says what was found instead. The caller keeps the text.
 */
export function parseDecision(text: string): Result<Decision, string> {
  const { text: beginning } = cutUtf8(text.trimStart(), MAX_DECISION_BYTES);
  const trimmed = beginning.trimEnd();
  if (trimmed === "") return err(`${EXPECTED}, but the answer is empty`);
  const json = parseJson(withoutFence(trimmed));
  if (json === undefined) return err(`${EXPECTED}, but the answer is not JSON`);
  const written = Written.safeParse(json);
  if (written.success) {
    return ok({ action: written.data.action, reason: cutUtf8(written.data.reason.trim(), MAX_REASON_BYTES).text });
  }
  const wrong = written.error.issues.map((issue) => issue.path.join(".")).join(", ");
  return err(
    wrong === "" ? `${EXPECTED}, but the answer is not a JSON object` : `${EXPECTED}, but ${wrong} is missing or wrong`,
  );
}

/**
 * The text inside one Markdown code fence, with or without a language, or the text itself. It is compared character by
 * character, because a regular expression could take quadratic time over a hostile text.
 */
function withoutFence(text: string): string {
  const [mark = ""] = text;
  if (mark !== "`" && mark !== "~") return text;
  let width = 1;
  while (text[width] === mark) width++;
  const firstEnd = text.indexOf("\n");
  const lastStart = text.length - width;
  const isFenced =
    width >= MIN_FENCE_CHARS &&
    firstEnd !== -1 &&
    firstEnd < lastStart &&
    !text.slice(width, firstEnd).includes("`") &&
    text.endsWith(mark.repeat(width));
  return isFenced ? text.slice(firstEnd + 1, lastStart) : text;
}
