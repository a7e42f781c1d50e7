/** Text to be copied: a command, a secret. */
import type { ComponentChildren } from "preact";
import { announce } from "../announce.ts";
import { Icon } from "./icon.tsx";
import { TextBlock } from "./text-block.tsx";

/** A button that copies hidden text. */
export function CopyButton({
  text,
  what,
  children,
}: {
  readonly text: string;
  readonly what: string;
  readonly children: ComponentChildren;
}) {
  return (
    <button type="button" class="button quiet" onClick={() => copy(text, what)}>
      <Icon name="copy" /> {children}
    </button>
  );
}

async function copy(text: string, what: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  announce(`${what} copied`);
}

export function CopyBlock({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div class="copy-block">
      <TextBlock label={what} text={text} />
      <button
        type="button"
        class="button quiet"
        onClick={() => copy(text, what)}
        aria-label={`Copy ${what.toLowerCase()}`}
      >
        <Icon name="copy" /> Copy
      </button>
    </div>
  );
}
