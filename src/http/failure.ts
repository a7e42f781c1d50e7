/** Every failure of a call over HTTP: those of the domain and those of the transport. */
import type { Failure } from "../domain/failure.ts";

/**
 * The faults of a call that are found before any job is read. Together with {@link Failure} they are all failures that a
 * route may answer.
 */
export type HttpFailure =
  | Failure
  | { readonly kind: "invalid_json"; readonly detail: string }
  | { readonly kind: "unauthorized"; readonly detail: string; readonly hint?: string }
  | {
      readonly kind: "method_not_allowed";
      readonly method: string;
      readonly allow: readonly string[];
      readonly calls: readonly string[];
    }
  | { readonly kind: "payload_too_large"; readonly maxBytes: number }
  | {
      readonly kind: "unsupported_media_type";
      readonly got: string | undefined;
      readonly types: readonly string[];
      readonly isMissing: boolean;
      readonly example?: string;
    }
  | { readonly kind: "not_configured"; readonly detail: string }
  | { readonly kind: "internal"; readonly requestId: string };

/** Every `code` of an error. */
export type ErrorCode = HttpFailure["kind"];
