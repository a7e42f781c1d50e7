/** Spans as OTLP over HTTP has them, in JSON (opentelemetry.io, OTLP 1.x): what any collector takes at `/v1/traces`. Pure. */
import { version } from "../../package.json";
import { withoutTrailingSlashes } from "../outbound/endpoint.ts";
import type { Span } from "./spans.ts";

const INTERNAL = 1;
const CLIENT = 3;
const FAILED = 2;
const MAX_ERROR_CHARS = 300;
const PATH = "/v1/traces";

/** Where spans are posted: the collector's URL with its path for traces, which may stand there already. */
export function tracesUrl(url: string): string {
  const base = withoutTrailingSlashes(url);
  return base.endsWith(PATH) ? base : base + PATH;
}

/** Headers as OTEL_EXPORTER_OTLP_HEADERS has them: `name=value,name=value`, values percent-encoded. What is none is left out. */
export function readHeaders(text: string | undefined): Record<string, string> {
  const pairs = (text ?? "").split(",").flatMap((pair) => {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, equals)).trim().toLowerCase();
    return /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) ? [[name, decode(pair.slice(equals + 1).trim())] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The body of a post. */
export function traceBody(spans: readonly Span[]): string {
  const resource = { attributes: [attribute("service.name", "reveille"), attribute("service.version", version)] };
  return JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "reveille", version }, spans: spans.map(spanJson) }] }],
  });
}

const spanJson = ({ traceId, spanId, parentId, name, calls, startedAt, finishedAt, attributes, error }: Span) => ({
  traceId,
  spanId,
  ...(parentId === undefined ? {} : { parentSpanId: parentId }),
  name,
  kind: calls ? CLIENT : INTERNAL,
  startTimeUnixNano: nanos(startedAt),
  endTimeUnixNano: nanos(finishedAt),
  attributes: Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [attribute(key, value)],
  ),
  status: error === undefined ? {} : { code: FAILED, message: error.slice(0, MAX_ERROR_CHARS) },
});

/** More than a double holds exactly, hence text. */
const nanos = (ms: number): string => `${Math.round(ms)}000000`;

function attribute(key: string, value: string | number) {
  if (typeof value === "string") return { key, value: { stringValue: value } };
  return { key, value: Number.isInteger(value) ? { intValue: `${value}` } : { doubleValue: value } };
}
