/** A part of a form that can be folded away. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

export type FoldProps = {
  readonly summary: string;
  readonly class?: string;
  /** A field within has a value. */
  readonly isUsed?: boolean;
  /** A field within has an error. */
  readonly isWrong?: boolean;
  readonly children: ComponentChildren;
};

/**
 * The fold opens for a value or an error within, and only its reader closes it. Otherwise, it would close
 * under the hands of somebody who empties its last field.
 */
export function Fold({ summary, isUsed = false, isWrong = false, children, ...rest }: FoldProps) {
  const [isOpen, setIsOpen] = useState(isUsed || isWrong);
  useEffect(() => {
    if (isUsed) setIsOpen(true);
  }, [isUsed]);
  useEffect(() => {
    if (isWrong) setIsOpen(true);
  }, [isWrong]);
  return (
    <details class={rest.class} open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}
