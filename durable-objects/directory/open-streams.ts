/**
 * Who has how many event streams open, in memory: each is a lease that its job renews while the stream is open. A shard that
 * restarts counts from nothing and knows all again after one renewal.
 */

/** At most so many are open with one token (docs/contract.md §16). */
const MAX_STREAMS = 50;
/** A lease that was not renewed for so long is over: its job's object is gone. */
const LEASE_MS = 45_000;

export class OpenStreams {
  readonly #leases = new Map<string, Map<string, number>>();

  /** Opens a stream or renews it at `now` (epoch ms). False if the token has as many open as it may. */
  open(token: string, lease: string, now: number): boolean {
    const leases = this.#leases.get(token) ?? new Map<string, number>();
    for (const [one, until] of leases) if (until <= now) leases.delete(one);
    if (!leases.has(lease) && leases.size >= MAX_STREAMS) return false;
    leases.set(lease, now + LEASE_MS);
    this.#leases.set(token, leases);
    return true;
  }

  close(token: string, lease: string): void {
    const leases = this.#leases.get(token);
    leases?.delete(lease);
    if (leases?.size === 0) this.#leases.delete(token);
  }
}
