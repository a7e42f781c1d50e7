/** The way from the Worker to an object: by name, as its contract alone. */

/**
 * A Durable Object binding: a fresh stub for a name, typed as the contract of the object's class. The platform's own
 * types drop every method whose values hold JSON of unknown shape, such as a payload, although it crosses unchanged.
 */
export type Objects<Rpc> = { getByName(name: string): Rpc };
