/**
 * Secrets as answers show them. The shown part distinguishes two secrets but does not help to guess one. A short secret is
 * hidden whole.
 */

const MASK = "…";
const SHOWN_CHARS = 4;
const MIN_CHARS_TO_SHOW_ANY = 20;

export const maskSecret = (secret: string): string =>
  MASK + (secret.length < MIN_CHARS_TO_SHOW_ANY ? "" : secret.slice(-SHOWN_CHARS));

/** Whether a text is a masked secret, or a URL with one in it. Such a text stands for a stored one. */
export const isMasked = (text: string): boolean => text.includes(MASK);

/** `https://hooks.example.com/…abcd` */
export function maskUrl(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return `${origin}/${maskSecret(pathname + search)}`;
}

/** The URL without its query and fragment, which often hold a key. */
export function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
