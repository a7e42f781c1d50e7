/**
 * The answer to each failure (docs/contract.md §6), one entry for each code. A failure without an entry does not compile.
 * `detail` says what is wrong, and `hint` how to correct the call. Language models read both.
 */
import { compact } from "../domain/compact.ts";
import type { FieldError } from "../domain/failure.ts";
import { DAY_MS, SECOND_MS } from "../schema/limits.ts";
import type { ErrorCode, HttpFailure } from "./failure.ts";
import { either } from "./teach/write.ts";

/** The texts about one failure. */
export type Said = {
  readonly detail: string;
  readonly hint: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
};

type FailureOf<C extends ErrorCode> = Extract<HttpFailure, { readonly kind: C }>;

type Answer<C extends ErrorCode> = {
  readonly status: number;
  /** A short name for the kind of problem. */
  readonly title: string;
  /** The header of such an answer, for the API's description. */
  readonly header?: readonly [name: string, description: string];
  readonly say: (failure: FailureOf<C>) => Said;
};

/**
 * The Retry-After of a quota. It frees up when a job ends or is deleted, at an unknown time. An hour keeps a client from
 * calling too often.
 */
const QUOTA_RETRY_SECONDS = 3_600;

export const ANSWERS: { readonly [C in ErrorCode]: Answer<C> } = {
  invalid_json: {
    status: 400,
    title: "The body is not JSON",
    say: (failure) => ({
      detail: failure.detail,
      hint: "Send one JSON object in UTF-8, with double quotes, and without comments or trailing commas.",
    }),
  },
  unauthorized: {
    status: 401,
    title: "Not authenticated",
    header: ["WWW-Authenticate", "`Bearer`."],
    say: (failure) => ({
      detail: failure.detail,
      hint:
        failure.hint ??
        "Send the header `Authorization: Bearer TOKEN`: the operator's ADMIN_TOKEN, or a token made by POST /v1/tokens.",
      headers: { "www-authenticate": "Bearer" },
    }),
  },
  forbidden: {
    status: 403,
    title: "Not allowed with this token",
    say: (failure) => ({
      detail: failure.detail,
      hint: failure.hint ?? "Ask the operator for a token that may do this.",
      ...compact({ errors: failure.errors }),
    }),
  },
  not_found: {
    status: 404,
    title: "Not found",
    say: (failure) => ({
      detail: `There is no such ${failure.what}, or this token may not see it.`,
      hint:
        failure.hint ??
        `Check the id and the path. GET ${LISTS[failure.what] ?? "/v1/jobs lists the jobs that this token may see"}.`,
    }),
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    say: (failure) => ({
      detail: `${failure.method} is not a method of this path.`,
      hint: `Use ${either(failure.calls)}.`,
      headers: { allow: failure.allow.join(", ") },
    }),
  },
  job_already_running: {
    status: 409,
    title: "The job is running",
    say: (failure) => ({
      detail: `Run ${failure.run_id} of this job has not ended.`,
      hint: "Wait until it has ended, or stop it with POST /v1/jobs/{id}/runs/{run_id}/cancel, and try again.",
    }),
  },
  job_finished: {
    status: 409,
    title: "The job is finished",
    say: (failure) => ({
      detail: "The job has no fires left, so it is neither run, paused nor resumed any more.",
      hint: failure.hint ?? "Give it a new schedule with PATCH /v1/jobs/{id}, or make a new job.",
    }),
  },
  job_paused: {
    status: 409,
    title: "The job is paused",
    say: () => ({
      detail: "The job is paused, so a trigger does not run it.",
      hint: "Resume it with POST /v1/jobs/{id}/resume, or run it once all the same with POST /v1/jobs/{id}/run.",
    }),
  },
  budget_exceeded: {
    status: 409,
    title: "The job's budget is used up",
    say: (failure) => ({
      detail: `The job is not run: ${failure.reason}.`,
      hint: 'Wait for the next day of the schedule\'s zone, or raise the limit with PATCH /v1/jobs/{id}, e.g. {"budget": {"runs_per_day": 100}}.',
    }),
  },
  name_reserved: {
    status: 409,
    title: "The name is reserved",
    say: (failure) => ({
      detail: `The name "${failure.name}" belongs to a built-in or system job.`,
      hint: "Choose another name.",
    }),
  },
  run_already_finished: {
    status: 409,
    title: "The run has ended",
    say: (failure) => ({
      detail: `The run has ended already, as "${failure.status}".`,
      hint: "Nothing is left to be done for this run. GET the run to see how it ended.",
    }),
  },
  agent_has_url: {
    status: 409,
    title: "The agent has a URL",
    say: (failure) => ({
      detail: `Agent "${failure.agent}" is called at its URL, so it has no mailbox.`,
      hint: `To claim its runs, the operator sends PUT /v1/agents/${failure.agent} {"delivery": "pull"} first.`,
    }),
  },
  precondition_failed: {
    status: 412,
    title: "The job has changed",
    header: ["ETag", "The job's version now."],
    say: (failure) => ({
      detail: `The ETag in If-Match is not the job's: that is ${failure.etag} now.`,
      hint: "GET the job, look at what has changed, and send the call again with the new ETag.",
      headers: { etag: failure.etag },
    }),
  },
  payload_too_large: {
    status: 413,
    title: "The body is too large",
    say: (failure) => ({
      detail: `The body is larger than ${failure.maxBytes} bytes.`,
      hint: "Send less: keep large data elsewhere and put a reference to it into payload.",
    }),
  },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    say: ({ got, types, isMissing, example }) => ({
      detail: isMissing
        ? "The body is missing."
        : got === undefined
          ? "The call has a body but no Content-Type."
          : `The Content-Type "${got}" is not taken here.`,
      hint: `Send ${isMissing ? "a body with " : ""}the header \`Content-Type: ${types.join("` or `Content-Type: ")}\`${example === undefined ? "" : `, for example ${example}`}.`,
    }),
  },
  validation_failed: {
    status: 422,
    title: "Invalid input",
    say: (failure) => ({
      detail: summary(failure.errors),
      hint: failure.hint ?? "Correct the fields named in errors and send the call again; nothing has been changed.",
      errors: failure.errors,
    }),
  },
  idempotency_key_reused: {
    status: 422,
    title: "The Idempotency-Key was used for another call",
    say: () => ({
      detail: `A call with this Idempotency-Key and another body has made a job within the last ${DAY_MS / (3_600 * SECOND_MS)} hours.`,
      hint: "To repeat that call, send its body unchanged; to make another job, send a new Idempotency-Key.",
    }),
  },
  quota_exceeded: {
    status: 429,
    title: "A quota is used up",
    header: ["Retry-After", "Seconds to wait."],
    say: (failure) => ({
      ...quotaText(failure),
      headers: { "retry-after": `${QUOTA_RETRY_SECONDS}` },
    }),
  },
  rate_limited: {
    status: 429,
    title: "Too many calls",
    header: ["Retry-After", "Seconds to wait."],
    say: (failure) => ({
      detail: failure.detail ?? "More calls arrive for this job or owner than can be answered.",
      hint: `Send the call again after ${failure.retryAfterSeconds} s, and fewer at a time.`,
      headers: { "retry-after": `${failure.retryAfterSeconds}` },
    }),
  },
  not_configured: {
    status: 500,
    title: "Not configured",
    say: (failure) => ({
      detail: failure.detail,
      hint: "The operator corrects the setting that is named, and deploys again: a secret with `npx wrangler secret put NAME` (`openssl rand -base64 32` makes one), any other in wrangler.toml.",
    }),
  },
  internal: {
    status: 500,
    title: "Internal error",
    say: (failure) => ({
      detail: `Something went wrong that is not the caller's fault. The request's id is ${failure.requestId}.`,
      hint: "Send the call again; with an Idempotency-Key a job is not made twice. If it stays, give the operator the request's id.",
    }),
  },
};

/** The answer to this failure. */
export function sayOf<C extends ErrorCode>(kind: C, failure: FailureOf<C>): Said {
  return ANSWERS[kind].say(failure);
}

/** The text about a quota: the limit, how much of it is used, and what frees it. */
function quotaText({ of, owner, limit, used, asked = 0 }: FailureOf<"quota_exceeded">): Omit<Said, "headers"> {
  const jobs =
    "Delete jobs that are no longer needed (GET /v1/jobs lists them), or ask the operator to raise MAX_JOBS_PER_OWNER.";
  const fires = "Let jobs fire less often, delete some, or ask the operator to raise MAX_FIRES_PER_DAY.";
  switch (of) {
    case "jobs":
      return {
        detail: `${owner} has ${used} jobs that are not finished, and ${limit} is the most one owner may have (MAX_JOBS_PER_OWNER).`,
        hint: jobs,
      };
    case "others_jobs":
      return {
        detail: `Tokens of others have made ${used} unfinished jobs for ${owner}, and ${limit} is the most: half of its quota (MAX_JOBS_PER_OWNER).`,
        hint: `Delete jobs that are no longer needed, or let ${owner} make the job with a token of its own.`,
      };
    case "made_jobs":
      return {
        detail: `Tokens of ${owner} have made ${used} jobs that are not finished, and ${limit} is the most (MAX_JOBS_PER_OWNER).`,
        hint: jobs,
      };
    case "fires":
      return {
        detail: `The jobs of ${owner} fire up to ${used} times a day; with ${asked} more it would be over the limit of ${limit} (MAX_FIRES_PER_DAY).`,
        hint: fires,
      };
    case "made_fires":
      return {
        detail: `The jobs that tokens of ${owner} have made fire up to ${used} times a day; with ${asked} more it would be over the limit of ${limit} (MAX_FIRES_PER_DAY).`,
        hint: fires,
      };
  }
}

/** The list to look in for a missing thing. Without an entry it is the list of jobs. */
const LISTS: Readonly<Record<string, string>> = {
  path: "/openapi.json lists every path",
  user: "/v1/users lists the users",
  agent: "/v1/agents lists the registered agents",
  heartbeat: "/v1/heartbeats lists the heartbeats",
  token: "/v1/tokens lists the tokens that are good",
};

const SHOWN_ERRORS = 3;

function summary(errors: readonly FieldError[]): string {
  const shown = errors
    .slice(0, SHOWN_ERRORS)
    .map(({ path, message }) => (path === "" ? `The body ${message}` : `${path}: ${message}`));
  const more = errors.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
}
