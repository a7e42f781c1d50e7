/**
 * The one way into a route, for HTTP and for the tools of MCP alike: who may call it, whether what was sent is right, and
 * then the handler. So both fronts allow, check and answer the same.
 */
import * as z from "zod";
import { type FieldError, invalid } from "../domain/failure.ts";
import { ok, type Result } from "../domain/result.ts";
import { type PathParams, permit } from "./auth.ts";
import type { HttpFailure } from "./failure.ts";
import { check } from "./input.ts";
import type { AnyCall, AnyReply, AnyRoute } from "./route.ts";

/** Who calls, when, and what surrounds the call. */
export type Surroundings = Omit<AnyCall, "params" | "query" | "headers" | "body" | "sent">;

/** What a call brings, not yet checked. */
export type Input = {
  readonly params: PathParams;
  /** Query parameters, each in the type that its schema asks for. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Headers by their lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Reads the body; asked only of routes that take one, and only when the caller may call them. */
  readonly readBody: () => Promise<Result<unknown, HttpFailure>>;
};

/** What a route answers: a reply, a failure, or a response of its own (streams and files). */
export type Answered = Result<AnyReply, HttpFailure> | Response;

/** Checks a call to `route` and handles it. Errors: `forbidden`, `validation_failed` with every fault, and the route's own. */
export async function invoke(route: AnyRoute, around: Surroundings, input: Input): Promise<Answered> {
  const permitted = permit(route.access, around.caller, input.params);
  if (!permitted.ok) return permitted;
  const sent = route.body === undefined ? ok(undefined) : await input.readBody();
  if (!sent.ok) return sent;
  const query = check(route.query ?? NO_QUERY, input.query);
  const headers = route.headers === undefined ? ok({}) : check(route.headers, input.headers);
  const body = route.body === undefined ? ok(undefined) : check(route.body.schema, sent.value);
  if (!query.ok || !headers.ok || !body.ok) {
    return refuse([...faults(query).map(asParameter), ...faults(headers), ...faults(body)], query.ok && headers.ok);
  }
  const { params } = input;
  return route.handle({
    ...around,
    params,
    query: query.value,
    headers: headers.value,
    body: body.value,
    sent: sent.value,
  });
}

/** A parameter that a route does not know is an error, as an unknown field is: it would be taken to have worked. */
const NO_QUERY = z.strictObject({});

const faults = (checked: Result<unknown, readonly FieldError[]>): readonly FieldError[] =>
  checked.ok ? [] : checked.error;

const refuse = (errors: readonly FieldError[], onlyBody: boolean) =>
  invalid(
    errors,
    onlyBody ? undefined : "Correct the parameters named in errors and send the call again; nothing has been changed.",
  );

const UNKNOWN_FIELD = "is not a field here; leave it out";
const asParameter = ({ path, message }: FieldError): FieldError => ({
  path,
  message: message === UNKNOWN_FIELD ? "is not a query parameter here; leave it out" : message,
});
