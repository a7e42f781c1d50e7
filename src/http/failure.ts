/** Every way in which a call over HTTP can fail: what the domain refuses, and what the transport does. */
import type { Failure } from "../domain/failure.ts";

/**
 * The faults of a call that are found before any job is looked at. Together with {@link Failure} all that a route may
 * answer.
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

/** Every `code` that an error can carry. */
export type ErrorCode = HttpFailure["kind"];
