/**
 * Every expected way in which a call can fail, as one closed union. `src/http/problem.ts` turns it into RFC 9457 in one
 * exhaustive switch, so a new kind without an HTTP answer does not compile.
 */
import { compact } from "./compact.ts";
import { type Err, err, type Result } from "./result.ts";

/** One wrong field of the caller's input. `path` is dotted from the body's root: `schedule.cron`, `labels.team`. */
export type FieldError = { readonly path: string; readonly message: string };

/** A quota that is used up (docs/contract.md §16). `asked` is the number of fires a day that the call would have added. */
export type QuotaExceeded = {
  readonly kind: "quota_exceeded";
  /**
   * The counted thing. It is an owner's jobs or daily fires, the part of its jobs that others may create, or the jobs and
   * fires of one token's subject.
   */
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
      /** The fields that ask for something forbidden, and the other faults of the call. */
      readonly errors?: readonly FieldError[];
    }
  | { readonly kind: "job_already_running"; readonly run_id: string }
  | { readonly kind: "job_finished"; readonly hint?: string }
  | { readonly kind: "job_paused" }
  /** `reason` names the limit of the budget and the amount spent. */
  | { readonly kind: "budget_exceeded"; readonly reason: string }
  | { readonly kind: "name_reserved"; readonly name: string }
  | { readonly kind: "run_already_finished"; readonly status: string }
  /** The agent is called at its URL and has no mailbox. */
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
