/**
 * The network as Miniflare's own Workers have it. Otherwise a Worker's `fetch` goes through a Worker of Miniflare, which
 * would double the cost of calling an agent on this machine.
 */
import { existsSync, readFileSync } from "node:fs";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The binding. `caFile` has certificates to trust besides those of browsers, in PEM: NODE_EXTRA_CA_CERTS, as Miniflare
 * reads it.
 */
export function network(caFile: string | undefined) {
  const pem = caFile !== undefined && existsSync(caFile) ? readFileSync(caFile, "utf8") : "";
  return {
    allow: ["public", "private", "240.0.0.0/4"],
    tlsOptions: { trustBrowserCas: true, trustedCertificates: pem.match(CERTIFICATE) ?? [] },
  };
}
