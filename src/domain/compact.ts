/** Objects whose optional fields are left out, not undefined: what JSON, storage and `exactOptionalPropertyTypes` ask for. */

/** `T` with every field that may be undefined as an optional one. */
export type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** A copy without the fields that are undefined. `null`, `""`, 0 and false stay. */
export function compact<T extends object>(fields: T): Compact<T>;
export function compact(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
