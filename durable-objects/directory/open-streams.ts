/**
 * The open event streams and sockets of each token, in memory. Each is a lease that is renewed while it is open. A shard
 * that restarts counts from zero, and knows all streams again after one renewal.
 */
import { MAX_TOKEN_STREAMS } from "../../src/schema/limits.ts";

/** The number of remembered tokens from which those with nothing open are forgotten. */
const MANY_TOKENS = 1_000;

export class OpenStreams {
  readonly #leases = new Map<string, Map<string, number>>();

  /**
   * Opens a stream or renews it at `now` (epoch ms). A lease that is not renewed for `leaseMs` is over, since its holder is
   * gone. False if the token has reached its limit.
   */
  open(token: string, lease: string, leaseMs: number, now: number): boolean {
    if (this.#leases.size >= MANY_TOKENS) this.#forgetEnded(now);
    const leases = this.#leases.get(token) ?? new Map<string, number>();
    for (const [one, until] of leases) if (until <= now) leases.delete(one);
    if (!leases.has(lease) && leases.size >= MAX_TOKEN_STREAMS) return false;
    leases.set(lease, now + leaseMs);
    this.#leases.set(token, leases);
    return true;
  }

  #forgetEnded(now: number): void {
    for (const [token, leases] of this.#leases) {
      if ([...leases.values()].every((until) => until <= now)) this.#leases.delete(token);
    }
  }

  close(token: string, lease: string): void {
    const leases = this.#leases.get(token);
    leases?.delete(lease);
    if (leases?.size === 0) this.#leases.delete(token);
  }
}
