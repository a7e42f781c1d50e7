/** A button that does something with the API: it says so while it works, and cannot be pressed twice. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { announce, announceProblem } from "../announce.ts";
import type { Answer } from "../api/client.ts";
import { Icon, type IconName } from "./icon.tsx";

export type ActionProps<T> = {
  readonly act: () => Promise<Answer<T>>;
  /** Said when it is done. */
  readonly done?: string | ((value: T) => string);
  readonly onDone?: (value: T) => void;
  readonly icon?: IconName;
  readonly tone?: "main" | "danger" | "quiet";
  /** The name, where the button shows its icon only, or where its words alone say too little. */
  readonly label?: string;
  readonly disabled?: boolean;
  readonly children?: ComponentChildren;
};

/** Failures are announced in the API's own words. */
export function Action<T>({ act, done, onDone, icon, tone, label, disabled, children }: ActionProps<T>) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    if (busy) return;
    setBusy(true);
    const answer = await act();
    setBusy(false);
    if (!answer.ok) return announceProblem(answer.error);
    if (done !== undefined) announce(typeof done === "string" ? done : done(answer.value));
    onDone?.(answer.value);
  };
  return (
    <button
      type="button"
      class={`button ${tone ?? ""} ${children === undefined ? "icon-only" : ""}`}
      aria-label={label}
      title={children === undefined ? label : undefined}
      aria-busy={busy}
      disabled={disabled}
      onClick={press}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}
