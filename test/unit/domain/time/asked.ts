/** A recurrence whose every question has the whole effort of one. */
import { Effort } from "../../../../src/domain/time/effort.ts";
import type { Recurrence } from "../../../../src/domain/time/recurrence.ts";

export type Asked = {
  readonly next: (after: number) => number | null;
  readonly last: (until: number) => number | null;
};

export const asked = ({ next, last }: Recurrence): Asked => ({
  next: (after) => next(after, new Effort()),
  last: (until) => last(until, new Effort()),
});
