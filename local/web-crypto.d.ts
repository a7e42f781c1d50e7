/** Node has the CryptoKey class as a global, its types have it as a value only; src/delivery/signature.ts, used here too, needs the type. */
import type { webcrypto } from "node:crypto";

declare global {
  type CryptoKey = webcrypto.CryptoKey;
}
