/** How the Worker reaches an object: by name, as its contract alone. */

/**
 * What a Durable Object binding is to us: a fresh stub for a name, typed as the contract that the object's class implements. The
 * platform's own types drop every method whose values hold JSON of unknown shape, such as a payload, although it crosses unchanged.
 */
export type Objects<Rpc> = { getByName(name: string): Rpc };
