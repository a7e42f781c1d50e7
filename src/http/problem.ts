/**
 * The one place where a failure becomes an HTTP answer (CONTRACT.md §6, RFC 9457). The switch is exhaustive: a failure
 * without an answer does not compile. `detail` says what is wrong and `hint` how to mend the call; both are read by
 * language models.
 */
import * as z from "zod";
import type { Failure, FieldError } from "../domain/failure.ts";
import { DAY_MS, SECOND_MS } from "../schema/limits.ts";

/** What can be wrong with a call before any job is looked at; together with {@link Failure} all that a route may answer. */
export type HttpFailure =
  | Failure
  | { readonly kind: "invalid_json"; readonly detail: string }
  | { readonly kind: "unauthorized"; readonly detail: string }
  | { readonly kind: "method_not_allowed"; readonly method: string; readonly allow: readonly string[] }
  | { readonly kind: "payload_too_large"; readonly maxBytes: number }
  | { readonly kind: "unsupported_media_type"; readonly got: string | undefined; readonly types: readonly string[] }
  | { readonly kind: "rate_limited"; readonly retryAfterSeconds: number }
  | { readonly kind: "not_configured"; readonly detail: string }
  | { readonly kind: "internal"; readonly requestId: string };

/** Every `code` that an error can carry. */
export type ErrorCode = HttpFailure["kind"];

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
    hint: z.string().optional().meta({ description: "How to mend the call." }),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: "Every wrong field, by its dotted path from the body's root, or by its query parameter." }),
  })
  .meta({ id: "Problem", description: "An error (RFC 9457)." });

type Answer = {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly hint?: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
};

/** A quota frees up when a job ends or is deleted, which has no date; an hour keeps a patient client from hammering. */
const QUOTA_RETRY_SECONDS = 3_600;

/** The status that goes with each code; for the API's description, which has no failure at hand. */
export const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  invalid_json: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  job_already_running: 409,
  job_finished: 409,
  name_reserved: 409,
  run_already_finished: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  validation_failed: 422,
  idempotency_key_reused: 422,
  quota_exceeded: 429,
  rate_limited: 429,
  not_configured: 500,
  internal: 500,
};

/** The failure as an `application/problem+json` response. */
export function problem(failure: HttpFailure): Response {
  const { title, detail, hint, errors, headers } = answerTo(failure);
  const status = STATUS_OF[failure.kind];
  const body: z.input<typeof ProblemBody> = {
    type: `urn:reveille:problem:${failure.kind}`,
    title,
    status,
    detail,
    code: failure.kind,
    ...(hint === undefined ? {} : { hint }),
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

function answerTo(failure: HttpFailure): Omit<Answer, "status"> {
  switch (failure.kind) {
    case "invalid_json":
      return {
        title: "The body is not JSON",
        detail: failure.detail,
        hint: "Send one JSON object in UTF-8, with double quotes, and without comments or trailing commas.",
      };
    case "unauthorized":
      return {
        title: "Not authenticated",
        detail: failure.detail,
        hint: "Send the header `Authorization: Bearer TOKEN`: the operator's ADMIN_TOKEN, or a token made by POST /v1/tokens.",
        headers: { "www-authenticate": "Bearer" },
      };
    case "forbidden":
      return {
        title: "Not allowed with this token",
        detail: failure.detail,
        hint: failure.hint ?? "Ask the operator for a token that may do this.",
      };
    case "not_found":
      return {
        title: "Not found",
        detail: `There is no such ${failure.what}, or this token may not see it.`,
        hint: `Check the id and the path. GET ${LISTS[failure.what] ?? "/v1/jobs lists the jobs that this token may see"}.`,
      };
    case "method_not_allowed":
      return {
        title: "Method not allowed",
        detail: `${failure.method} is not a method of this path.`,
        hint: `Use ${failure.allow.join(", ")}.`,
        headers: { allow: failure.allow.join(", ") },
      };
    case "job_already_running":
      return {
        title: "The job is running",
        detail: `Run ${failure.run_id} of this job has not ended.`,
        hint: "Wait until it has ended, or stop it with POST /v1/jobs/{id}/runs/{run_id}/cancel, and try again.",
      };
    case "job_finished":
      return {
        title: "The job is finished",
        detail: "The job has no fires left, so it is not run any more.",
        hint: 'Give it a new time with PATCH /v1/jobs/{id}, e.g. {"schedule": {"at": "2027-01-15T14:30:00Z"}}, or make a new job.',
      };
    case "name_reserved":
      return {
        title: "The name is reserved",
        detail: `The name "${failure.name}" belongs to a built-in or system job.`,
        hint: "Choose another name.",
      };
    case "run_already_finished":
      return {
        title: "The run has ended",
        detail: `The run has ended already, as "${failure.status}".`,
        hint: "Nothing is left to be done for this run. GET the run to see how it ended.",
      };
    case "precondition_failed":
      return {
        title: "The job has changed",
        detail: `The ETag in If-Match is not the job's: that is ${failure.etag} now.`,
        hint: "GET the job, look at what has changed, and send the call again with the new ETag.",
        headers: { etag: failure.etag },
      };
    case "payload_too_large":
      return {
        title: "The body is too large",
        detail: `The body is larger than ${failure.maxBytes} bytes.`,
        hint: "Send less: keep large data elsewhere and put a reference to it into payload.",
      };
    case "unsupported_media_type":
      return {
        title: "Unsupported media type",
        detail:
          failure.got === undefined
            ? "The call has a body but no Content-Type."
            : `The Content-Type "${failure.got}" is not taken here.`,
        hint: `Send the header \`Content-Type: ${failure.types.join("` or `Content-Type: ")}\`.`,
      };
    case "validation_failed":
      return {
        title: "Invalid input",
        detail: summary(failure.errors),
        hint: failure.hint ?? "Mend the fields named in errors and send the call again; nothing has been changed.",
        errors: failure.errors,
      };
    case "idempotency_key_reused":
      return {
        title: "The Idempotency-Key was used for another call",
        detail: `A call with this Idempotency-Key and another body has made a job within the last ${DAY_MS / (3_600 * SECOND_MS)} hours.`,
        hint: "To repeat that call, send its body unchanged; to make another job, send a new Idempotency-Key.",
      };
    case "quota_exceeded":
      return {
        title: "Too many jobs",
        detail: `${failure.owner} has ${failure.limit} jobs that are not finished, which is the most one owner may have.`,
        hint: "Delete jobs that are no longer needed, or ask the operator to raise MAX_JOBS_PER_OWNER.",
        headers: { "retry-after": `${QUOTA_RETRY_SECONDS}` },
      };
    case "rate_limited":
      return {
        title: "Too many calls",
        detail: "More calls arrive for this job or owner than can be answered.",
        hint: `Send the call again after ${failure.retryAfterSeconds} s, and fewer at a time.`,
        headers: { "retry-after": `${failure.retryAfterSeconds}` },
      };
    case "not_configured":
      return {
        title: "Not configured",
        detail: failure.detail,
        hint: "The operator sets ADMIN_TOKEN and TOKEN_SECRET as secrets (`npx wrangler secret put ADMIN_TOKEN`) and deploys again.",
      };
    case "internal":
      return {
        title: "Internal error",
        detail: `Something went wrong that is not the caller's fault. The request's id is ${failure.requestId}.`,
        hint: "Send the call again; with an Idempotency-Key a job is not made twice. If it stays, give the operator the request's id.",
      };
  }
}

/** Where to look for what was not found, if not among the jobs. */
const LISTS: Readonly<Record<string, string>> = {
  path: "/openapi.json lists every path",
  user: "/v1/users lists the users",
  agent: "/v1/agents lists the registered agents",
  heartbeat: "/v1/heartbeats lists the heartbeats",
};

const SHOWN_ERRORS = 3;

function summary(errors: readonly FieldError[]): string {
  const shown = errors
    .slice(0, SHOWN_ERRORS)
    .map(({ path, message }) => (path === "" ? `The body ${message}` : `${path}: ${message}`));
  const more = errors.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
}
