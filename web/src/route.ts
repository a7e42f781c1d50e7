/**
 * The current place in the dashboard. It is in the fragment, so any static server works and no path of the API is taken.
 */
import { signal } from "@preact/signals";

export type Route = {
  /** `#/jobs/abc/edit` is `["jobs", "abc", "edit"]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
};

const read = (): Route => {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path
      .split("/")
      .filter((part) => part !== "")
      .map(decode),
    query: new URLSearchParams(query),
  };
};

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The current place. It changes with the address bar. */
export const route = signal<Route>(read());
addEventListener("hashchange", () => {
  route.value = read();
});

/** The link to a place: `link("jobs", id)`. Each part is escaped. */
export const link = (...path: readonly string[]): string => `#/${path.map(encodeURIComponent).join("/")}`;

/** Goes to a link as a click would. */
export function go(to: string): void {
  location.hash = to;
}

/** Changes the query of this place, without its empty parts. It adds no step to the history, since it runs at every key. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const query = new URLSearchParams(route.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", `${link(...route.value.path)}${text === "" ? "" : `?${text}`}`);
  route.value = { path: route.value.path, query };
}
