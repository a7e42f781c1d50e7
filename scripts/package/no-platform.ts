/** Stands for `cloudflare:workers` where the routes are only described: nothing of it is called. */
export class DurableObject {}
export const env = {};
