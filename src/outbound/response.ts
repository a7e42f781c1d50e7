/** The meaning of the agent's status and content type (docs/contract.md §4). */

/** The class of a status. `refused` is every status without a class of its own, including redirects. */
export type StatusClass = "success" | "accepted" | "gone" | "retryable" | "refused";

/** Classifies a status: 2xx except 202; 202; 410; 408, 429 and 5xx; any other. */
export function classifyStatus(status: number): StatusClass {
  if (status === 202) return "accepted";
  if (status >= 200 && status <= 299) return "success";
  if (status === 410) return "gone";
  if (status === 408 || status === 429 || (status >= 500 && status <= 599)) return "retryable";
  return "refused";
}

/** A sentence for a status that is no success, with the correction if it is known. */
export function explainStatus(status: number): string {
  const answered = `the agent answered ${status}`;
  if (status >= 300 && status <= 399 && status !== 304) {
    return `${answered}, a redirect; redirects are not followed, so set the agent's URL to where it leads`;
  }
  switch (status) {
    case 401:
    case 403:
      return `${answered}; check that it verifies signatures with the secret that is registered here`;
    case 404:
    case 405:
      return `${answered}; check that the agent's URL has the path that takes POST`;
    case 410:
      return `${answered} (gone): it takes no more calls for this job`;
    case 413:
      return `${answered}; the call was too large for it, so shorten the job's message or payload`;
    default:
      return answered;
  }
}

const TEXT_TYPES =
  /^(?:text\/[^\s/]+|application\/(?:json|x-ndjson|ndjson|jsonl|json-seq|xml|yaml|x-yaml|x-www-form-urlencoded|[^\s/]+\+(?:json|xml|yaml|json-seq)))$/;

const MAX_KNOWN_TYPES = 64;
const known = new Map<string | null, TextDecoder | undefined>();

/**
 * A decoder for whole bodies of this `content-type`. Undefined if the type is not text. It is shared, so a caller that
 * decodes in pieces creates one like it. Without a content type the body counts as text if it is valid UTF-8: the decoder
 * is `fatal` and throws otherwise.
 */
export function textDecoderFor(contentType: string | null): TextDecoder | undefined {
  if (known.has(contentType)) return known.get(contentType);
  const decoder = makeDecoder(contentType);
  if (known.size >= MAX_KNOWN_TYPES) known.clear();
  known.set(contentType, decoder);
  return decoder;
}

function makeDecoder(contentType: string | null): TextDecoder | undefined {
  if (!contentType) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  if (!TEXT_TYPES.test(type.trim())) return undefined;
  const charset = parameters.map((parameter) => /^\s*charset="?([^"\s]+)"?\s*$/.exec(parameter)?.[1]).find(Boolean);
  try {
    return new TextDecoder(charset ?? "utf-8");
  } catch {
    // A body of an unknown charset is read as UTF-8. Foreign characters show as U+FFFD, and the rest can be read.
    return new TextDecoder();
  }
}
