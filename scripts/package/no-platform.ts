/** A stand-in for `cloudflare:workers` while the routes are only described, so nothing of it is called. */
export class DurableObject {}
export const env = {};
