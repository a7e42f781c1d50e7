/** Fields of a draft. Each shows one of its texts, changes it, and shows the faults that the API found there. */
import { AreaField, type AreaFieldProps, TextField, type TextFieldProps } from "./field.tsx";

/** The texts of a draft by their names, and what they are tied to. */
export type DraftForm<N extends string> = {
  readonly draft: Readonly<Record<N, string>>;
  readonly set: (name: N, text: string) => void;
  /** The messages at the API's field of this path. */
  readonly at: (path: string) => readonly string[];
};

type Tied<N extends string> = {
  readonly form: DraftForm<N>;
  readonly name: N;
  /** The API's field, if its name differs from the draft's. */
  readonly path?: string;
};
type Untied<P> = Omit<P, "value" | "onInput" | "errors">;

export function DraftText<N extends string>({ form, name, path = name, ...field }: Tied<N> & Untied<TextFieldProps>) {
  return (
    <TextField {...field} value={form.draft[name]} onInput={(text) => form.set(name, text)} errors={form.at(path)} />
  );
}

export function DraftArea<N extends string>({ form, name, path = name, ...field }: Tied<N> & Untied<AreaFieldProps>) {
  return (
    <AreaField {...field} value={form.draft[name]} onInput={(text) => form.set(name, text)} errors={form.at(path)} />
  );
}
