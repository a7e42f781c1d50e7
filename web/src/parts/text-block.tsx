/** Text that came from elsewhere, to be read, scrolled and selected, by keyboard too: that is what a read-only field is. */
const MAX_ROWS = 18;

export function TextBlock({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <textarea
      class="text-block"
      aria-label={label}
      readOnly
      rows={Math.min(MAX_ROWS, text.split("\n").length)}
      value={text}
    />
  );
}
