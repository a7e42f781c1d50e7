/** Text to be taken elsewhere: a command, a secret. */
import { announce } from "../announce.ts";
import { Icon } from "./icon.tsx";

export function CopyBlock({ text, what }: { readonly text: string; readonly what: string }) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
  };
  return (
    <div class="copy-block">
      {/* Long lines scroll; a region that scrolls must be reachable by keyboard. */}
      <pre tabIndex={0} role="region" aria-label={what}>
        {text}
      </pre>
      <button type="button" class="button quiet" onClick={copy} aria-label={`Copy ${what.toLowerCase()}`}>
        <Icon name="copy" /> Copy
      </button>
    </div>
  );
}
