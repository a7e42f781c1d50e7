/**
 * A mailbox's sockets as part of their tokens' streams and sockets (docs/contract.md §16). Each message renews a lease, and
 * the end gives it back.
 */
import { closeStream, openSocket, SOCKET_LEASE_MS } from "../../src/directory/streams.ts";
import type { Env } from "../../src/env.ts";
import type { Seat, Seats } from "./seats.ts";

export class SocketLeases {
  readonly #env: Env;
  readonly #seats: Seats;
  readonly #waitUntil: (work: Promise<unknown>) => void;

  constructor(env: Env, seats: Seats, waitUntil: (work: Promise<unknown>) => void) {
    this.#env = env;
    this.#seats = seats;
    this.#waitUntil = waitUntil;
  }

  /** Renews the socket's lease, so that it counts while it is open and sends messages. */
  renew(socket: WebSocket, seat: Seat): void {
    const now = Date.now();
    if (seat.lease === undefined || now < (seat.renewAt ?? 0)) return;
    this.#seats.set(socket, { ...seat, renewAt: now + SOCKET_LEASE_MS / 2 });
    this.#waitUntil(openSocket(this.#env, seat.caller, seat.lease));
  }

  giveBack(socket: WebSocket): void {
    const { caller, lease } = this.#seats.get(socket);
    if (lease !== undefined) this.#waitUntil(closeStream(this.#env, caller, lease));
  }
}
