/** Text to be taken elsewhere: a command, a secret. */
import { announce } from "../announce.ts";
import { Icon } from "./icon.tsx";
import { TextBlock } from "./text-block.tsx";

export function CopyBlock({ text, what }: { readonly text: string; readonly what: string }) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
  };
  return (
    <div class="copy-block">
      <TextBlock label={what} text={text} />
      <button type="button" class="button quiet" onClick={copy} aria-label={`Copy ${what.toLowerCase()}`}>
        <Icon name="copy" /> Copy
      </button>
    </div>
  );
}
