/**
 * The two outcomes of anything that may fail for an expected reason. They are plain data, so a Result crosses Durable
 * Object RPC unchanged. A throw is a bug, not an answer.
 */
export type Ok<T> = { readonly ok: true; readonly value: T };
export type Err<E> = { readonly ok: false; readonly error: E };
export type Result<T, E> = Ok<T> | Err<E>;

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });
export const err = <E>(error: E): Err<E> => ({ ok: false, error });
