/** JSON of the Go original, whose integers have 64 bits. */

/** A number of so many digits may be beyond 2^53, from where on JSON.parse rounds it. */
const LONG_USER_ID = /"user_id"\s*:\s*-?\d{16,}/;

/** TypeScript does not know yet that a reviver is told how a value was written. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** As JSON.parse, which it throws like; but a `user_id` that a JavaScript number cannot hold is kept as the digits it was written with. */
export const parseWithUserIds = (text: string): unknown =>
  LONG_USER_ID.test(text) ? (JSON.parse as ParseWithSource)(text, exactUserId) : JSON.parse(text);

const exactUserId = (key: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  key === "user_id" && typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? "")
    ? source
    : value;
