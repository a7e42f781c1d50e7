/** The latest news, shown for a moment and read out by screen readers. */
import { signal } from "@preact/signals";
import type { Warning } from "./api/jobs.ts";
import type { Problem } from "./api/problem.ts";

export type Notice = {
  readonly id: number;
  readonly tone: "good" | "warn" | "bad";
  readonly text: string;
  readonly hint?: string;
};

const SHOWN_MS = 6_000;
const PROBLEM_SHOWN_MS = 15_000;

/** The notices, oldest first. */
export const notices = signal<readonly Notice[]>([]);
let lastId = 0;

/** Announces that something was done. */
export function announce(text: string): void {
  show({ tone: "good", text }, SHOWN_MS);
}

/** Announces why something was not done, in the API's words. */
export function announceProblem(problem: Problem): void {
  show(
    { tone: "bad", text: problem.detail, ...(problem.hint === undefined ? {} : { hint: problem.hint }) },
    PROBLEM_SHOWN_MS,
  );
}

/** The place of warnings that the schedule editor shows already. */
const SHOWN_AT_SCHEDULE = "schedule";

/** Announces the warnings about a job, except for those about its schedule. */
export function announceWarnings(warnings: readonly Warning[] = []): void {
  for (const { path, message } of warnings) {
    if (!path.startsWith(SHOWN_AT_SCHEDULE)) show({ tone: "warn", text: message }, PROBLEM_SHOWN_MS);
  }
}

/** Removes a notice. */
export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

function show(notice: Omit<Notice, "id">, forMs: number): void {
  const id = ++lastId;
  notices.value = [...notices.value.slice(-2), { id, ...notice }];
  setTimeout(() => dismiss(id), forMs);
}
