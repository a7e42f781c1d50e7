/** The result of a check. */
export type Finding = {
  /** `note`: nothing is wrong, but the operator should know. */
  readonly verdict: "ok" | "note" | "wrong";
  readonly what: string;
  /** The remedy. */
  readonly fix?: string;
};

export const fine = (what: string): Finding => ({ verdict: "ok", what });
export const note = (what: string, fix: string): Finding => ({ verdict: "note", what, fix });
export const wrong = (what: string, fix: string): Finding => ({ verdict: "wrong", what, fix });
