/**
 * A component's part of the API. It is loaded when the component appears and when its question changes, and cancelled when
 * it goes.
 */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Answer, Page } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";

export type Resource<T> = {
  /** The last value. It stays while a newer one is on its way, so that nothing jumps. */
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
  readonly loading: boolean;
  reload(): void;
  /** Shows a value that came by another way. */
  put(value: T): void;
};

/** Loads with `load` now and whenever `key` changes. A value of another key is not shown. */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<Answer<T>>): Resource<T> {
  const [state, setState] = useState<{ key: string; value?: T; problem?: Problem; loading: boolean }>({
    key,
    loading: true,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // Biome asks for every dependency; `round` is one so that the value can be loaded again.
  useEffect(() => {
    const controller = new AbortController();
    setState((old) => (old.key === key ? { ...old, loading: true } : { key, loading: true }));
    latest.current(controller.signal).then((answer) => {
      if (controller.signal.aborted) return;
      setState((old) =>
        answer.ok
          ? { key, value: answer.value, loading: false }
          : {
              ...(old.key === key && old.value !== undefined ? { value: old.value } : {}),
              key,
              problem: answer.error,
              loading: false,
            },
      );
    });
    return () => controller.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  const put = useCallback((value: T) => setState({ key, value, loading: false }), [key]);
  const shown = state.key === key ? state : { key, loading: true };
  return { value: shown.value, problem: shown.problem, loading: shown.loading, reload, put };
}

export type Pages<T> = {
  readonly items: readonly T[];
  readonly problem: Problem | undefined;
  readonly loading: boolean;
  /** Whether there are more. Unknown counts as no. */
  readonly more: boolean;
  loadMore(): void;
  reload(): void;
  /** Reads the first page again and merges it silently. New items come in, and deleted ones go. */
  refresh(): void;
  /** Changes the shown items, for a row that was changed here or by an event. */
  update(change: (items: readonly T[]) => readonly T[]): void;
};

type PagesState<T> = { key: string; items: readonly T[]; cursor?: string; problem?: Problem; loading: boolean };

/**
 * A list, page by page. It starts over whenever `key` changes. `reload` shows the old items until the first page is there.
 */
export function usePages<T extends { readonly id: string }>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<Answer<Page<T>>>,
): Pages<T> {
  const [state, setState] = useState<PagesState<T>>({ key, items: [], loading: true });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController>(new AbortController());

  const fetchPage = useCallback(
    async (cursor: string | undefined) => {
      running.current.abort();
      const controller = new AbortController();
      running.current = controller;
      setState((old) => ({ ...(old.key === key ? old : { key, items: [] }), loading: true }));
      const answer = await latest.current(cursor, controller.signal);
      if (controller.signal.aborted) return;
      setState((old) => {
        if (!answer.ok) return { ...old, problem: answer.error, loading: false };
        const { items, next_cursor } = answer.value;
        const all = cursor === undefined ? items : [...old.items, ...items];
        return { key, items: all, loading: false, ...(next_cursor === undefined ? {} : { cursor: next_cursor }) };
      });
    },
    [key],
  );
  useEffect(() => {
    fetchPage(undefined);
    return () => running.current.abort();
  }, [fetchPage, round]);

  const refresh = useCallback(async () => {
    const controller = running.current;
    const answer = await latest.current(undefined, controller.signal);
    if (controller.signal.aborted || !answer.ok) return;
    setState((old) => (old.key === key && !old.loading ? { ...old, ...mergedPage(old, answer.value) } : old));
  }, [key]);

  const isCurrent = state.key === key;
  const { cursor } = state;
  return {
    items: isCurrent ? state.items : [],
    problem: isCurrent ? state.problem : undefined,
    loading: !isCurrent || state.loading,
    more: isCurrent && cursor !== undefined,
    loadMore: () => {
      if (isCurrent && !state.loading && cursor !== undefined) fetchPage(cursor);
    },
    reload: useCallback(() => setRound((old) => old + 1), []),
    refresh,
    update: useCallback((change) => setState((old) => ({ ...old, items: change(old.items) })), []),
  };
}

/** A list after its first page was read again. The later pages stay if the first one still meets them. */
function mergedPage<T extends { readonly id: string }>(
  old: PagesState<T>,
  { items, next_cursor }: Page<T>,
): { items: readonly T[]; cursor?: string } {
  const last = items.at(-1);
  const meets = next_cursor === undefined ? -1 : old.items.findIndex(({ id }) => id === last?.id);
  if (meets < 0) return { items, ...(next_cursor === undefined ? {} : { cursor: next_cursor }) };
  return { items: [...items, ...old.items.slice(meets + 1)] };
}
