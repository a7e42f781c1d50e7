/**
 * The one way into a route, for HTTP and for the tools of MCP. It checks the caller and the input, and calls the handler.
 * So both fronts allow, check and answer the same, and one answer reports every fault of a call.
 */
import * as z from "zod";
import { type FieldError, invalid } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { type PathParams, permit } from "./auth.ts";
import type { HttpFailure } from "./failure.ts";
import type { AnyCall, AnyReply, AnyRoute, BodySpec } from "./route.ts";
import { explainIssues, type Lesson, MAX_TAUGHT, type Place, type Places, refine } from "./teach/explain.ts";
import { type Field, fieldOf } from "./teach/field.ts";
import { withFittingHint } from "./teach/hints.ts";
import { withoutFaults, withoutNulls } from "./teach/sound-part.ts";
import { zodWords } from "./teach/zod-words.ts";

/** The caller, the time and the environment of a call. */
export type Surroundings = Omit<AnyCall, "params" | "query" | "headers" | "body" | "sent">;

/** The input of a call, not yet checked. */
export type Input = {
  readonly params: PathParams;
  /** Query parameters, each with the type of its schema. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Headers by their lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Reads the body. It is called only for routes that take one, and only if the caller may call them. */
  readonly readBody: () => Promise<Result<unknown, HttpFailure>>;
  /** The faults that the front has found already. */
  readonly faults?: readonly FieldError[];
  /** The place of each field in the front's calls, if it differs from HTTP's. */
  readonly places?: Places;
};

/** The answer of a route: a reply, a failure, or a response (streams and files). */
export type Answered = Result<AnyReply, HttpFailure> | Response;

/**
 * Checks a call to `route` and handles it. Errors: `forbidden`, `validation_failed` with every fault, and the route's own.
 */
export async function invoke(route: AnyRoute, around: Surroundings, input: Input): Promise<Answered> {
  const permitted = permit(route.access, around.caller, input.params);
  if (!permitted.ok) return permitted;
  const read = route.body === undefined ? ok(undefined) : await input.readBody();
  if (!read.ok) return read;
  const places = input.places ?? placesOf(route);
  const lesson = { places, now: around.now };
  const check = checker(lesson);
  const sent = route.method !== "patch" ? withoutNulls(read.value, placeOf(places, "body").field) : read.value;
  const query = check(route.query ?? NO_QUERY, withoutNulls(input.query, placeOf(places, "query").field), "query");
  const headers = route.headers === undefined ? ok({}) : check(route.headers, input.headers, "headers");
  const body = route.body === undefined ? ok(undefined) : check(route.body.schema, sent, "body");
  const call = { ...around, params: input.params, sent };
  if (!query.ok || !headers.ok || !body.ok || input.faults !== undefined) {
    const faults = [...(input.faults ?? []), ...errorsIn(query), ...errorsIn(headers), ...errorsIn(body)];
    const meant = body.ok ? [] : await meaningOf(route.body, call, errorsIn(body), placeOf(places, "body").field);
    return invalid([...faults, ...refineAll(meant, input, sent, lesson)]);
  }
  const answered = await route.handle({ ...call, query: query.value, headers: headers.value, body: body.value });
  if (answered instanceof Response || answered.ok) return answered;
  const failure = refined(answered.error, (errors) => refineAll(errors, input, sent, lesson));
  return err(await withFittingHint(failure, { ...around, params: input.params }));
}

/**
 * The query schema of a route without one. An unknown parameter is an error, since its sender would believe that it works.
 */
const NO_QUERY = z.strictObject({});

const placesKnown = new WeakMap<AnyRoute, Places>();

/** The fields that the route takes over HTTP. */
function placesOf(route: AnyRoute): Places {
  const present = placesKnown.get(route);
  if (present !== undefined) return present;
  const { query, headers, body } = route;
  const made: Places = {
    query: fieldOf(query ?? NO_QUERY),
    ...(headers === undefined ? {} : { headers: fieldOf(headers) }),
    ...(body === undefined ? {} : { body: fieldOf(body.shown ?? body.schema) }),
  };
  placesKnown.set(route, made);
  return made;
}

const placeOf = (places: Places, place: Place): { readonly place: Place; readonly field: Field | undefined } =>
  places.arguments === undefined ? { place, field: places[place] } : { place: "arguments", field: places.arguments };

/** The value in the schema's shape, or all its faults in words. */
const checker =
  (lesson: Lesson) =>
  (schema: z.ZodType, value: unknown, place: Place): Result<unknown, readonly FieldError[]> => {
    const parsed = schema.safeParse(value, { error: zodWords });
    if (parsed.success) return ok(parsed.data);
    return err(explainIssues(parsed.error.issues, value, placeOf(lesson.places, place).place, lesson));
  };

const errorsIn = (checked: Result<unknown, readonly FieldError[]>): readonly FieldError[] =>
  checked.ok ? [] : checked.error;

/**
 * The faults in the valid part of a body that has faults of form. They are reported together, so that no further call is
 * needed to find them.
 */
async function meaningOf(
  spec: BodySpec | undefined,
  call: Omit<AnyCall, "query" | "headers" | "body">,
  faults: readonly FieldError[],
  field: Field | undefined,
): Promise<readonly FieldError[]> {
  const { caller } = call;
  if (spec?.meaning === undefined || field === undefined || caller === undefined) return [];
  if (faults.length > MAX_TAUGHT) return [];
  const { sound, isUntouched } = withoutFaults(
    call.sent,
    field,
    faults.map(({ path }) => path),
    call.now,
  );
  const parsed = spec.schema.safeParse(sound);
  if (!parsed.success) return [];
  const meant = await spec.meaning({ ...call, caller, sent: sound, body: parsed.data });
  if (meant.ok || !("errors" in meant.error)) return [];
  return (meant.error.errors ?? []).filter(({ path }) => isUntouched(path));
}

const refineAll = (errors: readonly FieldError[], { query, headers }: Input, body: unknown, lesson: Lesson) =>
  refine(errors, { query, headers, body, arguments: lesson.places.arguments && merged(query, body) }, lesson);

const merged = (query: object, body: unknown): object => ({ ...query, ...(typeof body === "object" ? body : {}) });

function refined(
  failure: HttpFailure,
  refineErrors: (errors: readonly FieldError[]) => readonly FieldError[],
): HttpFailure {
  if (failure.kind === "validation_failed") return { ...failure, errors: refineErrors(failure.errors) };
  if (failure.kind === "forbidden" && failure.errors !== undefined) {
    return { ...failure, errors: refineErrors(failure.errors) };
  }
  return failure;
}
