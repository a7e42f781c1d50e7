/**
 * The network as Miniflare's own Workers have it. A Worker's `fetch` reaches it only by way of a Worker that Miniflare puts in front,
 * which would double what the call of an agent costs on this machine.
 */
import { existsSync, readFileSync } from "node:fs";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** `caFile` are certificates to be trusted besides those of browsers, in PEM: NODE_EXTRA_CA_CERTS, as Miniflare reads it. */
export function network(caFile: string | undefined) {
  const pem = caFile !== undefined && existsSync(caFile) ? readFileSync(caFile, "utf8") : "";
  return {
    allow: ["public", "private", "240.0.0.0/4"],
    tlsOptions: { trustBrowserCas: true, trustedCertificates: pem.match(CERTIFICATE) ?? [] },
  };
}
