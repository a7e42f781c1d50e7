/**
 * Notifiers as they are written and shown. The URLs of Slack and Discord and a Telegram bot's token are secrets: they are shown
 * masked, and a masked one that comes back stands for the one that is stored, so that what was read can be written again.
 */
import type { FieldError } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import type { Notifier } from "../schema/heartbeat.ts";

const MASK = "…";
/** Enough to tell two secrets apart, too little to guess one; of a short one nothing is shown. */
const SHOWN_CHARS = 4;
const MIN_CHARS_TO_SHOW_ANY = 20;

const tail = (secret: string): string =>
  MASK + (secret.length < MIN_CHARS_TO_SHOW_ANY ? "" : secret.slice(-SHOWN_CHARS));

/** `https://hooks.slack.com/…abcd` */
const maskUrl = (url: string): string => {
  const { origin, pathname, search } = new URL(url);
  return `${origin}/${tail(pathname + search)}`;
};

/** The notifier as answers show it. */
export function maskNotifier(notifier: Notifier): Notifier {
  switch (notifier.type) {
    case "webhook":
      return notifier;
    case "slack":
    case "discord":
      return { ...notifier, url: maskUrl(notifier.url) };
    case "telegram":
      return { ...notifier, bot_token: tail(notifier.bot_token) };
  }
}

/**
 * Notifiers from a client, masked secrets replaced by those of `stored`, and every URL checked. A token is given back only to
 * the server that it was stored for. Errors name the field, `notify.0.url`, and never repeat a secret.
 */
export function acceptNotifiers(
  written: readonly Notifier[],
  stored: readonly Notifier[],
  { allowLoopbackHttp }: { readonly allowLoopbackHttp: boolean },
): Result<Notifier[], FieldError[]> {
  const errors: FieldError[] = [];
  const accepted = written.map((notifier, index) => {
    const known = stored.filter((one) => one.type !== "webhook" && sameShown(maskNotifier(one), notifier));
    const [restored] = known;
    if (restored !== undefined) return restored;
    const path = `notify.${index}`;
    const secretField = notifier.type === "telegram" ? "bot_token" : "url";
    const secret = notifier.type === "telegram" ? notifier.bot_token : notifier.url;
    if (notifier.type !== "webhook" && secret.includes(MASK)) {
      errors.push({
        path: `${path}.${secretField}`,
        message: "is masked, and matches nothing that is stored; write it in full",
      });
    } else if (notifier.type === "telegram" && !/^[A-Za-z0-9_:-]+$/.test(notifier.bot_token)) {
      errors.push({
        path: `${path}.bot_token`,
        message: "is not a bot's token; @BotFather gives one like 123456789:AA…",
      });
    }
    if (notifier.url !== undefined && !notifier.url.includes(MASK)) {
      const endpoint = checkEndpoint(notifier.url, { allowLoopbackHttp });
      if (!endpoint.ok) errors.push({ path: `${path}.url`, message: endpoint.error });
    }
    return notifier;
  });
  return errors.length > 0 ? err(errors) : ok(accepted);
}

const sameShown = (shown: Notifier, written: Notifier): boolean =>
  shown.type === written.type &&
  shown.url === written.url &&
  (shown.type !== "telegram" ||
    (written.type === "telegram" && shown.bot_token === written.bot_token && shown.chat_id === written.chat_id));
