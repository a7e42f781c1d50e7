/** The reason why something cannot be shown or was not done: the API's detail and hint, and a retry button. */
import type { Problem } from "../api/problem.ts";
import { Icon } from "./icon.tsx";

export type ProblemBoxProps = { readonly problem: Problem | undefined; readonly onRetry?: () => void };

export function ProblemBox({ problem, onRetry }: ProblemBoxProps) {
  if (problem === undefined || problem.code === "aborted") return null;
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.detail}</p>
      {problem.hint === undefined ? null : <p class="hint">{problem.hint}</p>}
      {onRetry === undefined ? null : (
        <button type="button" class="button" onClick={onRetry}>
          <Icon name="refresh" /> Try again
        </button>
      )}
    </div>
  );
}
