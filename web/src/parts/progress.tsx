/** A progress in named parts, as a bar and as words. */
export type Part = { readonly name: string; readonly class: string; readonly count: number };

export function ProgressBar({
  label,
  parts,
  total,
}: {
  readonly label: string;
  readonly parts: readonly Part[];
  readonly total: number;
}) {
  const done = parts.reduce((sum, part) => sum + part.count, 0);
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(total, 1)}
      aria-valuenow={done}
    >
      {parts.map((part) => (
        <span
          key={part.name}
          class={part.class}
          style={{ width: `${total === 0 ? 0 : (100 * part.count) / total}%` }}
        />
      ))}
    </div>
  );
}
