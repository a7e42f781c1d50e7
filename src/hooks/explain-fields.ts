/** The faults of a registration in code, in one line for the error that it throws. */
import type { FieldError } from "../domain/failure.ts";

export const explainFields = (errors: readonly FieldError[]): string =>
  errors.map(({ path, message }) => `${path} ${message}`).join("; ");
