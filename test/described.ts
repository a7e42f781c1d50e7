/** Holds calls and answers against the API's own description (/openapi.json): what it does not say must not happen. */
import { type Schema, Validator } from "@cfworker/json-schema";
import * as z from "zod";

/** What of an OpenAPI document is looked at. */
const Content = z.record(z.string(), z.looseObject({ schema: z.record(z.string(), z.unknown()) }));
const Operation = z.looseObject({
  requestBody: z.looseObject({ content: Content }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: Content.optional() })),
});
const Document = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.record(z.string(), z.unknown()),
});

/** One call with its answer; bodies as they were sent. */
export type Exchange = {
  readonly method: string;
  /** With or without a query. */
  readonly path: string;
  /** What was sent as JSON, if it was JSON. */
  readonly sent?: unknown;
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
};

/** Tells everything about an exchange that the document does not describe; nothing where the two agree. */
export function describedBy(document: unknown): (exchange: Exchange) => string[] {
  const { paths, components } = Document.parse(document);
  const operations = Object.entries(paths).map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`),
    isFixed: !path.includes("{"),
    methods,
  }));
  const validators = new Map<unknown, Validator>();
  const errorsIn = (schema: Record<string, unknown>, value: unknown): string[] => {
    let validator = validators.get(schema);
    if (validator === undefined) {
      validator = new Validator({ ...schema, components } as Schema, "2020-12", false);
      validators.set(schema, validator);
    }
    const { valid, errors } = validator.validate(value);
    return valid ? [] : errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
  };

  return ({ method, path, sent, status, contentType, text }) => {
    const here = path.split("?", 1)[0] ?? path;
    const found = operations
      .filter(({ pattern }) => pattern.test(here))
      .sort((a, b) => Number(b.isFixed) - Number(a.isFixed));
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = found.map(({ methods }) => methods[verb]).find((one) => one !== undefined);
    // Paths and methods that are not described are 404 and 405, or belong to static files and to the runtime.
    if (operation === undefined) return found.length > 0 && status < 400 ? [`${method} ${here} is not described`] : [];
    const where = `${method} ${here} ${status}`;
    const described = operation.responses[String(status)];
    if (described === undefined) return [`${where} is not described: ${text.slice(0, 200)}`];
    const said: string[] = [];
    const takes = operation.requestBody?.content["application/json"]?.schema;
    if (sent !== undefined && status < 300 && takes !== undefined) {
      said.push(
        ...errorsIn(takes, method !== "PATCH" ? withoutNulls(sent) : JSON.parse(JSON.stringify(sent))).map(
          (error) => `${where} took a body that is not as described: ${error}`,
        ),
      );
    }
    const mediaType = contentType?.split(";", 1)[0] ?? "";
    const content = described.content?.[mediaType];
    if (described.content !== undefined && content === undefined) return [...said, `${where} answers "${mediaType}"`];
    if (described.content === undefined && text !== "") return [...said, `${where} has a body, which is not described`];
    if (content === undefined || !mediaType.endsWith("json") || method === "HEAD") return said;
    const values = mediaType.endsWith("ndjson") ? text.split("\n").filter((line) => line !== "") : [text];
    const errors = values.flatMap((value) => errorsIn(content.schema, JSON.parse(value)));
    return [...said, ...errors.map((error) => `${where}: ${error}`)];
  };
}

/** What was sent without its nulls: but in a merge patch they count as left out, as the description's first page says. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).filter(([, one]) => one !== null))
        : inner,
    ),
  );
