/**
 * Notifiers as clients write and see them. The URLs of Slack and Discord, a webhook's secret and a Telegram bot's token are
 * secrets. They are shown masked, and a masked value that comes back means the stored one, so a client can write what it
 * has read. A webhook's URL is often a secret too, so only the operator sees it whole (docs/contract.md §17).
 */
import type { FieldError } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { isMasked, maskSecret, maskUrl } from "../domain/text/mask.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import { secretError } from "../outbound/signature.ts";
import type { Notifier } from "../schema/heartbeat.ts";

/** The notifier as answers show it. `whole`: the operator asks, and sees a webhook's URL. Nobody sees a secret. */
export function maskNotifier(notifier: Notifier, whole: boolean): Notifier {
  switch (notifier.type) {
    case "webhook": {
      const { secret, ...rest } = notifier;
      const shown = whole ? rest : { ...rest, url: maskUrl(rest.url) };
      return secret === undefined ? shown : { ...shown, secret: maskSecret(secret) };
    }
    case "slack":
    case "discord":
      return { ...notifier, url: maskUrl(notifier.url) };
    case "telegram":
      return { ...notifier, bot_token: maskSecret(notifier.bot_token) };
  }
}

/**
 * Notifiers from a client. Masked secrets are replaced by those of `stored`, and every URL is checked. A stored secret is
 * used only for the server that it was stored for. Errors name the field, `notify.0.url`, and never repeat a secret.
 */
export function acceptNotifiers(
  written: readonly Notifier[],
  stored: readonly Notifier[],
  { allowLoopbackHttp }: { readonly allowLoopbackHttp: boolean },
): Result<Notifier[], FieldError[]> {
  const errors: FieldError[] = [];
  const accepted = written.map((notifier, index) => {
    const masked = maskedFields(notifier);
    const known = masked.length === 0 ? undefined : stored.find((one) => isShownAs(one, notifier));
    if (known !== undefined) return known;
    const wrong = masked.map((field) => ({ path: field, message: MASKED }));
    const found = [...wrong, ...checkNotifier(notifier, { allowLoopbackHttp })];
    errors.push(...found.map(({ path, message }) => ({ path: `notify.${index}.${path}`, message })));
    return notifier;
  });
  return errors.length > 0 ? err(errors) : ok(accepted);
}

const MASKED = "is masked, and matches nothing that is stored; write it in full";

/** The fields that hold a secret or a part of one, in their shown form. */
function maskedFields(notifier: Notifier): string[] {
  const fields = Object.entries({
    url: notifier.url,
    secret: notifier.type === "webhook" ? notifier.secret : undefined,
    bot_token: notifier.type === "telegram" ? notifier.bot_token : undefined,
  });
  return fields.flatMap(([field, value]) => (value !== undefined && isMasked(value) ? [field] : []));
}

/** Whether answers show the stored notifier in this form, to the operator or to others. */
const isShownAs = (stored: Notifier, written: Notifier): boolean =>
  [true, false].some((whole) => sameFields(maskNotifier(stored, whole), written));

const sameFields = (one: object, other: object): boolean =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

function checkNotifier(notifier: Notifier, rules: { readonly allowLoopbackHttp: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  if (notifier.type === "telegram" && !isMasked(notifier.bot_token) && !BOT_TOKEN.test(notifier.bot_token)) {
    errors.push({ path: "bot_token", message: "is not a bot's token; @BotFather gives one like 123456789:AA…" });
  }
  if (notifier.type === "webhook" && notifier.secret !== undefined && !isMasked(notifier.secret)) {
    const message = secretError(notifier.secret);
    if (message !== undefined) errors.push({ path: "secret", message });
  }
  if (notifier.url !== undefined && !isMasked(notifier.url)) {
    const endpoint = checkEndpoint(notifier.url, rules);
    if (!endpoint.ok) errors.push({ path: "url", message: endpoint.error });
  }
  return errors;
}

const BOT_TOKEN = /^[A-Za-z0-9_:-]+$/;
