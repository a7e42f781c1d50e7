/** Reads the fast model's decision (CONTRACT.md §8): the JSON `{"action": "skip"|"run", "reason"}` and nothing else. */
import * as z from "zod";
import type { Decision } from "../../schema/heartbeat.ts";
import { err, ok, type Result } from "../result.ts";
import { cutUtf8 } from "../text/cut-text.ts";

const MAX_REASON_BYTES = 1_000;

/** A model that gives no reason has still decided. Further fields are let through and dropped: models like to explain themselves. */
const Written = z.object({ action: z.enum(["skip", "run"]), reason: z.string().default("") });

/** The whole text in one Markdown code fence, with or without a language. */
const FENCED = /^(`{3,}|~{3,})[^\n`]*\n([\s\S]*?)\n?[ \t]*\1$/;

const EXPECTED = 'the decision must be the JSON {"action": "skip"|"run", "reason": "…"} and nothing else';

/**
 * The decision in `text`. Whitespace around it and one code fence are taken off, since fast models add them unasked.
 * The error says what stands there instead; the text itself is the caller's to keep.
 */
export function parseDecision(text: string): Result<Decision, string> {
  const trimmed = text.trim();
  if (trimmed === "") return err(`${EXPECTED}, but the answer is empty`);
  const inner = FENCED.exec(trimmed)?.[2] ?? trimmed;
  const json = parseJson(inner);
  if (!json.ok) return err(`${EXPECTED}, but the answer is not JSON`);
  const written = Written.safeParse(json.value);
  if (written.success) {
    return ok({ action: written.data.action, reason: cutUtf8(written.data.reason.trim(), MAX_REASON_BYTES).text });
  }
  const wrong = written.error.issues.map((issue) => issue.path.join(".")).join(", ");
  return err(
    wrong === "" ? `${EXPECTED}, but the answer is not a JSON object` : `${EXPECTED}, but ${wrong} is missing or wrong`,
  );
}

function parseJson(text: string): Result<unknown, undefined> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(undefined);
  }
}
