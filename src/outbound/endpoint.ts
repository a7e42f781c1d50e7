/** The URLs that an agent may have (docs/contract.md §4): `https:`, and under `npm start` also `http:` to loopback. */
import { err, ok, type Result } from "../domain/result.ts";

const MAX_URL_CHARS = 2_048;

type EndpointRules = { readonly allowLoopbackHttp: boolean };

const MAX_KNOWN_URLS = 256;
const known = new Map<string, string | undefined>();

/** The fault of the URL ({@link checkEndpoint}), if it has one. It is cached, since every call of an agent asks. */
export function endpointError(url: string, rules: EndpointRules): string | undefined {
  const key = `${rules.allowLoopbackHttp} ${url}`;
  if (known.has(key)) return known.get(key);
  const checked = checkEndpoint(url, rules);
  const error = checked.ok ? undefined : checked.error;
  if (known.size >= MAX_KNOWN_URLS) known.clear();
  known.set(key, error);
  return error;
}

/** Checks a URL. Errors are sentences that do not repeat it, since it may hold a secret in its query. */
export function checkEndpoint(url: string, { allowLoopbackHttp }: EndpointRules): Result<URL, string> {
  if (url.length > MAX_URL_CHARS) return err(`the URL is longer than ${MAX_URL_CHARS} characters`);
  if (!URL.canParse(url)) return err("is not a URL; write it in full, for example https://agent.example.com/hook");
  const endpoint = new URL(url);
  if (endpoint.username !== "" || endpoint.password !== "") {
    return err("the URL holds a user name or password; leave them out: calls are signed with the agent's secret");
  }
  if (endpoint.protocol === "https:") return ok(endpoint);
  if (endpoint.protocol !== "http:") return err(`the URL must begin with https://, not ${endpoint.protocol}`);
  if (!isLoopback(endpoint.hostname))
    return err("the URL must begin with https://; http:// is for agents on this machine only");
  if (!allowLoopbackHttp)
    return err("the URL must begin with https://; http:// to loopback works under npm start only");
  return ok(endpoint);
}

/**
 * Whether the host is loopback. `hostname` comes from the URL parser, which turns any IPv4 notation into four decimal
 * numbers.
 */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);

/** Whether both are the same URL in any spelling. A text that cannot be parsed equals no URL. */
export const isSameUrl = (one: string, other: string): boolean =>
  URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href;

/**
 * A base that paths are appended to. It is walked from its end, since a regular expression would look at every run of
 * slashes in it.
 */
export function withoutTrailingSlashes(url: string): string {
  let end = url.length;
  while (end > 0 && url[end - 1] === "/") end--;
  return url.slice(0, end);
}
