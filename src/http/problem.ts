/** Turns a failure into an HTTP answer (docs/contract.md §6, RFC 9457). `problem-answers.ts` has the texts. */
import * as z from "zod";
import { logError } from "../log.ts";
import type { HttpFailure } from "./failure.ts";
import { ANSWERS, sayOf } from "./problem-answers.ts";
import { MAX_TAUGHT } from "./teach/explain.ts";

/** The body of every error. */
export const ProblemBody = z
  .strictObject({
    type: z.string().meta({
      description: "A URI for the kind of problem, made of its code.",
      examples: ["urn:reveille:problem:not_found"],
    }),
    title: z.string().meta({ description: "The kind of problem in a few words." }),
    status: z.int().meta({ description: "The HTTP status again." }),
    detail: z.string().meta({ description: "What is wrong with this call." }),
    code: z.string().meta({ description: "What programs tell problems apart by.", examples: ["validation_failed"] }),
    hint: z.string().optional().meta({ description: "How to correct the call." }),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: "Every wrong field, by its dotted path from the body's root, or by its query parameter." }),
  })
  .meta({ id: "Problem", description: "An error (RFC 9457)." });

export type Problem = z.output<typeof ProblemBody>;

/** The answer to a failure: the problem's body and its headers. */
export function problemOf(failure: HttpFailure): {
  readonly body: Problem;
  readonly headers: Readonly<Record<string, string>>;
} {
  const { detail, hint, errors, headers = {} } = sayOf(failure.kind, failure);
  const { status, title } = ANSWERS[failure.kind];
  const code = failure.kind;
  const shown = errors === undefined ? {} : { errors: errors.slice(0, MAX_TAUGHT) };
  return { body: { type: `urn:reveille:problem:${code}`, title, status, detail, code, hint, ...shown }, headers };
}

/** The failure as an `application/problem+json` response. */
export function problem(failure: HttpFailure): Response {
  const { body, headers } = problemOf(failure);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** The answer to a throw. Either an object has too many calls, or the fault is ours and is logged with `where`. */
export function unexpected(
  error: unknown,
  where: { readonly request_id: string; readonly method: string; readonly route: string },
): HttpFailure {
  const isOverloaded = error instanceof Error && "overloaded" in error && error.overloaded === true;
  if (isOverloaded) return { kind: "rate_limited", retryAfterSeconds: 5 };
  logError("A call failed", where, error);
  return { kind: "internal", requestId: where.request_id };
}
