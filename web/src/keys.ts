/** Shortcuts: single keys and pairs (`g` then `j`). They do nothing while the user types. */
import { useLayoutEffect } from "preact/hooks";

const PAIR_MS = 1_000;

export type Shortcuts = Readonly<Record<string, () => void>>;

const layers: Shortcuts[] = [];
let first: { readonly key: string; readonly at: number } | undefined;

/** Whether the keys belong to a field or a dialog. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  const { target } = event;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, dialog") !== null)
  );
}

addEventListener("keydown", (event) => {
  if (isTaken(event)) return;
  const pair = first !== undefined && event.timeStamp - first.at < PAIR_MS ? `${first.key} ${event.key}` : undefined;
  for (const name of pair === undefined ? [event.key] : [pair, event.key]) {
    const shortcut = layers.findLast((layer) => Object.hasOwn(layer, name))?.[name];
    if (shortcut === undefined) continue;
    first = undefined;
    event.preventDefault();
    return shortcut();
  }
  first = { key: event.key, at: event.timeStamp };
});

/**
 * Takes these shortcuts while the component is shown. If several components take one key, the newest counts. They change
 * together with the page, so a key that follows at once does not reach the old row.
 */
export function useShortcuts(shortcuts: Shortcuts): void {
  useLayoutEffect(() => {
    layers.push(shortcuts);
    return () => {
      layers.splice(layers.indexOf(shortcuts), 1);
    };
  });
}
