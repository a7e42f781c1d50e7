/**
 * Every way a call can fail that the caller can do something about: one closed union.
 * `src/http/problem.ts` turns it into RFC 9457 in one exhaustive switch; adding a kind without a wire answer does not compile.
 */
import { compact } from "./compact.ts";
import { type Err, err, type Result } from "./result.ts";

/** One wrong field of the caller's input. `path` is dotted from the body's root: `schedule.cron`, `labels.team`. */
export type FieldError = { readonly path: string; readonly message: string };

/** A quota that is used up (docs/contract.md §16). `asked`: how many fires a day would have been added. */
export type QuotaExceeded = {
  readonly kind: "quota_exceeded";
  /** An owner's jobs or daily fires. The part of its jobs that others may make; or what one token's subject has made. */
  readonly of: "jobs" | "others_jobs" | "fires" | "made_jobs" | "made_fires";
  readonly owner: string;
  readonly limit: number;
  readonly used: number;
  readonly asked?: number;
};

export type Failure =
  | { readonly kind: "validation_failed"; readonly errors: readonly FieldError[]; readonly hint?: string }
  | { readonly kind: "not_found"; readonly what: string; readonly hint?: string }
  | {
      readonly kind: "forbidden";
      readonly detail: string;
      readonly hint?: string;
      /** The fields that ask for what is not allowed, and what else is wrong with the call. */
      readonly errors?: readonly FieldError[];
    }
  | { readonly kind: "job_already_running"; readonly run_id: string }
  | { readonly kind: "job_finished"; readonly hint?: string }
  | { readonly kind: "job_paused" }
  /** `reason` names the limit of the budget, and what was spent. */
  | { readonly kind: "budget_exceeded"; readonly reason: string }
  | { readonly kind: "name_reserved"; readonly name: string }
  | { readonly kind: "run_already_finished"; readonly status: string }
  /** The agent is called at its URL, so it has no mailbox. */
  | { readonly kind: "agent_has_url"; readonly agent: string }
  | { readonly kind: "precondition_failed"; readonly etag: string }
  | { readonly kind: "idempotency_key_reused" }
  | { readonly kind: "rate_limited"; readonly retryAfterSeconds: number; readonly detail?: string }
  | QuotaExceeded;

/** The answer of every RPC method and domain check. */
export type Outcome<T> = Result<T, Failure>;

export const invalid = (errors: readonly FieldError[], hint?: string): Err<Failure> =>
  err({ kind: "validation_failed", errors, ...compact({ hint }) });
export const notFound = (what: string): Err<Failure> => err({ kind: "not_found", what });
export const forbidden = (detail: string, hint?: string, errors?: readonly FieldError[]): Err<Failure> =>
  err({
    kind: "forbidden",
    detail,
    ...compact({ hint, errors }),
  });
