/** What a check found. */
export type Finding = {
  /** `note`: nothing is wrong, but the operator should know. */
  readonly verdict: "ok" | "note" | "wrong";
  readonly what: string;
  /** What to do about it. */
  readonly mend?: string;
};

export const fine = (what: string): Finding => ({ verdict: "ok", what });
export const note = (what: string, mend: string): Finding => ({ verdict: "note", what, mend });
export const wrong = (what: string, mend: string): Finding => ({ verdict: "wrong", what, mend });
