/**
 * A mailbox's sockets among the streams and sockets of their tokens (docs/contract.md §16). A lease is renewed by
 * each message, and given back at the end.
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

  /** The socket counts for as long as it is open, as far as it is heard of. */
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
