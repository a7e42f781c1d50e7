/** A button that calls the API. It shows that it is working, and cannot be pressed twice. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { announce, announceProblem } from "../announce.ts";
import type { Answer } from "../api/client.ts";
import { Icon, type IconName } from "./icon.tsx";

export type ActionProps<T> = {
  readonly act: () => Promise<Answer<T>>;
  /** Announced when it is done. */
  readonly done?: string | ((value: T) => string);
  readonly onDone?: (value: T) => void;
  readonly icon?: IconName;
  readonly tone?: "main" | "danger" | "quiet";
  /** The name, if the button shows only its icon or its words say too little. */
  readonly label?: string;
  readonly disabled?: boolean;
  readonly children?: ComponentChildren;
};

/** The button. Failures are announced in the API's words. */
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
