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

/** Oldest first. */
export const notices = signal<readonly Notice[]>([]);
let lastId = 0;

/** Says that something was done. */
export function announce(text: string): void {
  show({ tone: "good", text }, SHOWN_MS);
}

/** Says why something was not done, in the API's own words. */
export function announceProblem(problem: Problem): void {
  show(
    { tone: "bad", text: problem.detail, ...(problem.hint === undefined ? {} : { hint: problem.hint }) },
    PROBLEM_SHOWN_MS,
  );
}

/** The schedule editor's display as it was typed. */
const SHOWN_AT_SCHEDULE = "schedule";

/** Says what is valid in a job and may not mean what was meant, beyond its schedule. */
export function announceWarnings(warnings: readonly Warning[] = []): void {
  for (const { path, message } of warnings) {
    if (!path.startsWith(SHOWN_AT_SCHEDULE)) show({ tone: "warn", text: message }, PROBLEM_SHOWN_MS);
  }
}

/** Takes a notice away. */
export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

function show(notice: Omit<Notice, "id">, forMs: number): void {
  const id = ++lastId;
  notices.value = [...notices.value.slice(-2), { id, ...notice }];
  setTimeout(() => dismiss(id), forMs);
}
