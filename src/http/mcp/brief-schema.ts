/** A tool's fields as JSON Schema in few words. A model pays for the list of tools in every conversation. */
import { compact } from "../../domain/compact.ts";
import type { Field } from "../teach/field.ts";

/** The longest description in the list. Longer ones are left to the tool's own text and to the errors. */
const MAX_WORDS_CHARS = 40;

/** The properties of the object. With `words` they have short descriptions, and objects show their fields. */
export const briefProperties = (root: Field, words: boolean): Readonly<Record<string, unknown>> =>
  Object.fromEntries(root.fields.map((field) => [field.name, brief(field, words)]));

function brief(field: Field, words: boolean): Readonly<Record<string, unknown>> {
  const types = field.types.filter((type) => type !== "null");
  const about = words && field.description !== undefined ? inShort(field.description) : undefined;
  const isOpened = words && types.join() === "object" && field.fields.length > 0;
  return {
    // Some clients refuse a list of types. A field with several types accepts any in the list.
    ...(types.length === 1 ? { type: types[0] } : {}),
    ...(field.values.length === 0 ? {} : { enum: field.values }),
    ...(types.join() === "array" && field.item !== undefined ? { items: brief(field.item, false) } : {}),
    ...(isOpened ? { properties: briefProperties(field, false) } : {}),
    ...compact({ description: about }),
  };
}

/** The first sentence of a description if it is short. Otherwise none, rather than half of one. */
function inShort(description: string): string | undefined {
  const [sentence = ""] = description.split(/(?<=[^.])[.;](?= |$)/, 1);
  return sentence.length <= MAX_WORDS_CHARS ? sentence : undefined;
}
