/** A choice of one among a few visible options. */
export type TabsProps<V extends string> = {
  /** The name of the choice; read out, not shown. */
  readonly label: string;
  readonly options: readonly (readonly [value: V, label: string])[];
  readonly value: string;
  readonly onSelect: (value: V) => void;
};

export function Tabs<V extends string>({ label, options, value, onSelect }: TabsProps<V>) {
  return (
    <fieldset class="tabs">
      <legend class="sr-only">{label}</legend>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onSelect(option)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}
