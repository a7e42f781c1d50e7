/** The submission of a form: one call at a time, with the faults shown at their fields. */
import { useState } from "preact/hooks";
import type { Answer } from "../api/client.ts";
import { type FieldError, messagesAt, type Problem, unsendable } from "../api/problem.ts";

export type Submission = {
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  /** The messages at the field of this path. */
  at(path: string): readonly string[];
  /** For the form's `onSubmit`. */
  submit(event: Event): Promise<void>;
  /** Removes the faults at this field and within it, because it has changed. */
  forget(path: string): void;
};

export type SubmissionProps<T> = {
  readonly send: () => Promise<Answer<T>>;
  /** The faults that are known before sending. With any of them nothing is sent. */
  readonly check?: () => readonly FieldError[];
  readonly onSaved: (value: T) => void;
};

export function useSubmission<T>({ send, check, onSaved }: SubmissionProps<T>): Submission {
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  return {
    busy,
    problem,
    at: (path) => messagesAt(problem, path),
    forget: (path) => setProblem((old) => old && { ...old, errors: (old.errors ?? []).filter(isBeside(path)) }),
    submit: async (event) => {
      event.preventDefault();
      if (busy) return;
      const errors = check?.() ?? [];
      if (errors.length > 0) return setProblem(unsendable(errors));
      setBusy(true);
      const answer = await send();
      setBusy(false);
      setProblem(answer.ok ? undefined : answer.error);
      if (answer.ok) onSaved(answer.value);
    },
  };
}

const isBeside =
  (path: string) =>
  (error: FieldError): boolean =>
    !error.path.startsWith(path);

/** The fault of a text that must not be empty. */
export const required = (path: string, text: string): readonly FieldError[] =>
  text.trim() === "" ? [{ path, message: "is required" }] : [];
