/** A list, and the events that came since, in either order of arrival. */
export type Started = { readonly id: string; readonly status: string; readonly started_at: string };

/**
 * The runs or fan-outs of `listed` (newest first) and of `updates`, each once and up to date. As many as fit are kept. A
 * run only goes from running to ended. So of two views the ended one is newer; if they are equal, the event's is used.
 */
export function mergeUpdates<T extends Started>(
  listed: readonly T[],
  updates: readonly T[],
  fits: (one: T) => boolean = () => true,
): readonly T[] {
  const fresh = new Map(updates.map((one) => [one.id, one]));
  const merged = listed.map((one) => {
    const event = fresh.get(one.id);
    fresh.delete(one.id);
    return event === undefined || (one.status !== "running" && event.status === "running") ? one : event;
  });
  for (const event of fresh.values()) {
    const after = merged.findIndex((one) => one.started_at <= event.started_at);
    merged.splice(after < 0 ? merged.length : after, 0, event);
  }
  return merged.filter(fits);
}
