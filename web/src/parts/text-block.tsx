/** A text from elsewhere that can be read, scrolled and selected, also by keyboard. So it is a read-only field. */
const MAX_ROWS = 18;
/** The characters that fit into a line of a card. Browsers that know `field-sizing` measure the text themselves. */
const LINE_CHARS = 80;

export function TextBlock({ label, text }: { readonly label: string; readonly text: string }) {
  return <textarea class="text-block" aria-label={label} readOnly rows={rowsOf(text)} value={text} />;
}

/** The lines that `text` takes when it is wrapped, from 1 to {@link MAX_ROWS}. */
function rowsOf(text: string): number {
  const lines = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE_CHARS)), 0);
  return Math.min(MAX_ROWS, lines);
}
