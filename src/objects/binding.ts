/** The way from the Worker to an object: a name and the object's contract. */

/**
 * A Durable Object binding that gives a fresh stub for a name, typed as the contract of the object's class. The platform's
 * own types drop every method whose values hold JSON of unknown shape, such as a payload, although it crosses unchanged.
 */
export type Objects<Rpc> = { getByName(name: string): Rpc };
