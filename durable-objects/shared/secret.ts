/** Generates secrets of Standard Webhooks. */

const SECRET_BYTES = 32;

/** `whsec_` and base64 of 256 random bits. */
export const makeSecret = (): string =>
  `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))))}`;
