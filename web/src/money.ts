/** Costs in words. */

const DOLLARS = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumFractionDigits: 4 });

/** `$1.25`, `$0.0031`. */
export const dollars = (usd: number): string => DOLLARS.format(usd);

/** A sum for a small space, or an estimate. From a dollar on it is rounded to cents. */
export const roundedUsd = (usd: number): number => (usd < 1 ? usd : Math.round(usd * 100) / 100);

/** `$1.25 · 3,200 tokens`. Unknown parts are left out. */
export function costOf(usd: number | undefined, tokens: number | undefined): string {
  const parts = [
    ...(usd === undefined ? [] : [dollars(usd)]),
    ...(tokens === undefined ? [] : [tokens === 1 ? "1 token" : `${tokens.toLocaleString("en")} tokens`]),
  ];
  return parts.join(" · ");
}
