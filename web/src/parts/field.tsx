/** A labelled field with its hint, and with the faults that the API found. */
import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";

/** The props that tie an input, select or textarea to its label, hint and errors. */
export type Tie = {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean;
};

export type FieldProps = {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly errors?: readonly string[];
  readonly class?: string;
  readonly children: (tie: Tie) => ComponentChildren;
};

export function Field({ label, hint, errors = [], class: extra = "", children }: FieldProps) {
  const id = useId();
  const described = [
    ...(hint === undefined ? [] : [`${id}-hint`]),
    ...(errors.length === 0 ? [] : [`${id}-errors`]),
  ].join(" ");
  return (
    <div class={`field ${extra}`}>
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": described === "" ? undefined : described,
        "aria-invalid": errors.length > 0,
      })}
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {errors.length === 0 ? null : (
        <ul class="field-errors" id={`${id}-errors`}>
          {errors.map((message) => (
            <li key={message}>{message}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

export type TextFieldProps = Omit<FieldProps, "children"> & {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly input?: InputHTMLAttributes<HTMLInputElement>;
};

/** A field of one line. */
export function TextField({ value, onInput, input, ...field }: TextFieldProps) {
  return (
    <Field {...field}>
      {(tie) => (
        <input
          autocomplete="off"
          spellcheck={false}
          {...input}
          {...tie}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export type AreaFieldProps = Omit<FieldProps, "children"> & {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly rows: number;
  readonly mono?: boolean;
};

/** A field of several lines. */
export function AreaField({ value, onInput, rows, mono, ...field }: AreaFieldProps) {
  return (
    <Field {...field}>
      {(tie) => (
        <textarea
          {...tie}
          class={mono ? "mono" : ""}
          rows={rows}
          spellcheck={!mono}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export type SelectFieldProps<V extends string> = Omit<FieldProps, "children"> & {
  readonly value: V;
  readonly options: readonly (readonly [value: V, label: string])[];
  readonly onSelect: (value: V) => void;
};

/** A choice of one option. */
export function SelectField<V extends string>({ value, options, onSelect, ...field }: SelectFieldProps<V>) {
  return (
    <Field {...field}>
      {(tie) => (
        <select
          {...tie}
          value={value}
          onChange={(event) => {
            const chosen = options.find(([option]) => option === event.currentTarget.value);
            if (chosen !== undefined) onSelect(chosen[0]);
          }}
        >
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
