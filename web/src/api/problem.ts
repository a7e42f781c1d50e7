/** The fault of a call: the API's problem document (RFC 9457), or a similar one if no answer came. */

export type FieldError = { readonly path: string; readonly message: string };

export type Problem = {
  /** The status, or 0 if no answer came. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint?: string;
  readonly errors?: readonly FieldError[];
};

/** The problem for a call that got no answer. */
export const unreachable = (cause: unknown): Problem => ({
  status: 0,
  code: "unreachable",
  title: "No answer",
  detail: `Reveille cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}.`,
  hint: "Check that it runs and that this machine is online, then try again.",
});

/** The problem of a form that was not sent because of known faults. */
export const unsendable = (errors: readonly FieldError[]): Problem => ({
  status: 0,
  code: "unsendable",
  title: "Not sent yet",
  detail: errors.map(({ path, message }) => `${path}: ${message}`).join("; "),
  errors,
});

/** The problem in a failed answer. If it carries none (a proxy's error page), one is made. */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    status: response.status,
    code: "unexpected",
    title: `Status ${response.status}`,
    detail: `The server answered ${response.status} ${response.statusText}`.trim().concat(", without saying why."),
  };
  if (!(response.headers.get("content-type") ?? "").startsWith("application/problem+json")) return fallback;
  try {
    const body: Partial<Problem> = await response.json();
    return { ...fallback, ...body };
  } catch {
    return fallback;
  }
}

/** The messages about the field at `path`, and about the fields within it. */
export function messagesAt(problem: Problem | undefined, path: string): readonly string[] {
  return (problem?.errors ?? [])
    .filter((error) => error.path === path || error.path.startsWith(`${path}.`))
    .map((error) => (error.path === path ? error.message : `${error.path.slice(path.length + 1)}: ${error.message}`));
}
