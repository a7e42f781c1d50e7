/** Shapes that several routes share: query parameters, headers, pages. */
import * as z from "zod";
import { KIB } from "../schema/limits.ts";

export const queryText = z.string().min(1, { message: "is empty; give a value, or leave it out" });

export const queryFlag = z.boolean();

/** A comma list of these values. The error writes it right if `others`, the usual names of values, tell what was meant. */
export const commaList = <const T extends string>(
  value: z.ZodType<T>,
  values: readonly T[],
  others: Readonly<Record<string, string>>,
) =>
  z.string().transform((text, context): T[] => {
    const parts = text.split(",").map((part) => part.trim());
    const read = z.array(value).safeParse(parts);
    if (read.success) return read.data;
    const meant = parts.map((part) => others[part.toLowerCase()] ?? part.toLowerCase()).join();
    const known: readonly string[] = values;
    const instead = meant.split(",").every((part) => known.includes(part)) ? `; write ${meant}` : "";
    const wrong = parts.findIndex((part) => !known.includes(part));
    const message = `must be a comma list of ${values.join(", ")}${instead}`;
    context.addIssue({ code: "custom", path: [wrong], message });
    return z.NEVER;
  });

/** `limit`: 1 to 100, unless another `most` is given. */
export const pageLimit = (fallback: number, most = 100) =>
  z
    .int()
    .min(1)
    .max(most)
    .default(fallback)
    .meta({
      aliases: ["per_page", "page_size", "count", "size", "max", "first", "top"],
      description: `How many items a page has at most, 1 to ${most}; default ${fallback}.`,
    });

export const pageCursor = queryText
  .max(4 * KIB)
  .optional()
  .meta({
    aliases: ["next", "next_cursor", "page_token", "starting_after"],
    description: "next_cursor of the page before, unchanged.",
  });

/** `{items, next_cursor?}`. */
export const pageShape = <S extends z.ZodType>(item: S) =>
  z.strictObject({
    items: z.array(item).readonly(),
    next_cursor: z
      .string()
      .optional()
      .meta({ description: "Send it as cursor to get the next page; left out on the last one." }),
  });

export const IfMatch = z.object({
  "if-match": z
    .string()
    .optional()
    .meta({
      description: "The ETag of the job as you know it: where the job has changed since, the call is refused with 412.",
      examples: ['"3"'],
    }),
});

export const IdempotencyKey = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/, {
      message: "must be 1 to 255 printable ASCII characters",
    })
    .optional()
    .meta({
      description:
        "Any text of yours that names this call, e.g. a UUID. For 24 hours the same call with it answers with the job that it made the first time.",
      examples: ["3f6c2f0e-5a51-4a0e-9d2f-6b7a2e1c9d10"],
    }),
});

/** The body of a call that needs none: empty, or `{}`. */
export const NoBody = z.strictObject({});
