/** Headers that calls to an agent carry besides ours (docs/contract.md §14). Their values are secrets: answers show them masked. */
import type { FieldError } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { isMasked, maskSecret } from "../text/mask.ts";

export type AgentHeaders = Readonly<Record<string, string>>;

export const MAX_AGENT_HEADERS = 8;
const MAX_VALUE_CHARS = 4_096;

/** RFC 9110 §5.6.2 and §5.5: a token, and printable ASCII without blanks at its ends. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Set by Reveille or by the connection. */
const OURS: readonly string[] = [
  "content-type",
  "reveille-session-id",
  "traceparent",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
  "content-length",
  "transfer-encoding",
  "connection",
  "host",
];

/**
 * Headers from a client, masked values replaced by those of `stored`. Errors name the header and repeat no value.
 */
export function acceptHeaders(
  written: AgentHeaders,
  stored: AgentHeaders | undefined,
): Result<AgentHeaders, FieldError[]> {
  const names = Object.keys(written);
  const errors: FieldError[] = [];
  if (names.length > MAX_AGENT_HEADERS) {
    errors.push({ path: "headers", message: `has ${names.length} headers; at most ${MAX_AGENT_HEADERS} are kept` });
  }
  const accepted: Record<string, string> = {};
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(written)) {
    const restored = isMasked(value) ? restore(name, value, stored) : value;
    const wrong = seen.has(name.toLowerCase())
      ? "is there twice; names are the same in any case"
      : wrongIn(name, restored);
    seen.add(name.toLowerCase());
    if (wrong === undefined && restored !== undefined) accepted[name] = restored;
    else errors.push({ path: `headers.${name}`, message: wrong ?? MASKED });
  }
  return errors.length > 0 ? err(errors) : ok(accepted);
}

const MASKED = "is masked, and matches nothing that is stored; write it in full";

function wrongIn(name: string, value: string | undefined): string | undefined {
  if (!NAME.test(name)) return "is no header's name";
  if (OURS.includes(name.toLowerCase())) return "is set by Reveille; leave it out";
  if (value === undefined) return MASKED;
  if (value.length > MAX_VALUE_CHARS) return `is longer than ${MAX_VALUE_CHARS} characters`;
  return VALUE.test(value) ? undefined : "must be printable ASCII without blanks at its ends";
}

/** The stored value of the header, if it is shown like this. */
function restore(name: string, masked: string, stored: AgentHeaders | undefined): string | undefined {
  const known = Object.entries(stored ?? {}).find(([other]) => other.toLowerCase() === name.toLowerCase());
  return known !== undefined && maskSecret(known[1]) === masked ? known[1] : undefined;
}

/** The headers as answers show them, with masked values. */
export const maskHeaders = (headers: AgentHeaders): AgentHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, maskSecret(value)]));
