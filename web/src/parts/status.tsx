import type { Job } from "../api/jobs.ts";

/** A state as a mark and a word. Shapes differ as well as colours. */
export type Status =
  | "success"
  | "error"
  | "skipped"
  | "running"
  | "active"
  | "paused"
  | "finished"
  | "empty"
  | "executed"
  /** Due but not begun. */
  | "late";

const SHAPES: Readonly<Record<Status, string>> = {
  success: "M2.500 6.500l2.500 2.500 4.500-5.500",
  executed: "M2.500 6.500l2.500 2.500 4.500-5.500",
  error: "M3 3l6 6M9 3l-6 6",
  skipped: "M2.500 6h7",
  empty: "M2.500 6h7",
  running: "M6 2.500a3.500 3.500 0 1 1-3.500 3.500",
  active: "M6 3.200a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600z",
  late: "M6 2.500v4l2 1.500",
  paused: "M4.300 3v6M7.700 3v6",
  finished: "M3 3h6v6H3z",
};

export function StatusMark({ status }: { readonly status: Status }) {
  return (
    <svg class={`status-mark is-${status}`} viewBox="0 0 12 12" aria-hidden="true">
      <path d={SHAPES[status]} />
    </svg>
  );
}

export function StatusText({ status, children }: { readonly status: Status; readonly children?: string }) {
  return (
    <span class={`status is-${status}`}>
      <StatusMark status={status} />
      {children ?? status}
    </span>
  );
}

/** The mark of a job: its health while it is active, else its state. So nine failures in a row do not show a green dot. */
export function jobMark(job: Pick<Job, "state" | "health" | "paused_reason">): Status {
  if (job.state !== "active") return job.state === "paused" && job.paused_reason !== undefined ? "late" : job.state;
  if (job.health === "failing") return "error";
  return job.health === "overdue" ? "late" : "active";
}

/** The meaning of the mark, in a word. */
export function jobWord(job: Pick<Job, "state" | "health">): string {
  return job.state === "active" && job.health !== "ok" ? job.health : job.state;
}
