/**
 * Matches offers to sockets. A socket must be allowed to see the offer and have room. The oldest offers come first. The run
 * is then held for its socket.
 */
import { isInScope, roomOf, type Seats, scopeOf } from "./seats.ts";
import type { MailboxStore, StoredOffer } from "./store.ts";

export type Match = { readonly offer: StoredOffer; readonly socket: WebSocket };

/** The mailbox as matching sees it. `busy` are the runs that no other socket may get at present. */
type Desk = {
  readonly seats: Seats;
  readonly store: MailboxStore;
  readonly busy: readonly string[];
  /** Whether the socket's token has ended. */
  readonly hasEnded: (socket: WebSocket) => boolean;
};

/** At most `limit` offers, each with its socket. Sockets take turns, one offer each. */
export function matchOffers({ seats, store, busy, hasEnded }: Desk, limit: number): Match[] {
  const matches: Match[] = [];
  let open = seats.sockets();
  const taken = [...busy];
  while (open.length > 0 && matches.length < limit) {
    const now = Date.now();
    const ready = open.filter((socket) => !hasEnded(socket) && roomOf(seats.get(socket), now) > 0);
    open = ready.slice(0, limit - matches.length).filter((socket) => {
      const { caller, leaseMs } = seats.get(socket);
      const [offer] = store.oldest(scopeOf(caller), taken, 1);
      if (offer === undefined) return false;
      taken.push(offer.runId);
      seats.hold(socket, offer.runId, now + leaseMs);
      matches.push({ offer, socket });
      return true;
    });
  }
  return matches;
}

/** The socket with the fewest runs that can take this offer at once, because no older offer waits for it. */
export function takerOf({ seats, store, busy, hasEnded }: Desk, offer: StoredOffer): WebSocket | undefined {
  const now = Date.now();
  const able = seats.sockets().flatMap((socket) => {
    const seat = seats.get(socket);
    const room = roomOf(seat, now);
    const isAble = room > 0 && isInScope(offer, scopeOf(seat.caller)) && !hasEnded(socket);
    return isAble ? [{ socket, seat, load: seat.capacity - room }] : [];
  });
  const [first] = able.toSorted((a, b) => a.load - b.load);
  if (first === undefined) return undefined;
  const { socket, seat } = first;
  if (store.oldest(scopeOf(seat.caller), busy, 1).length > 0) return undefined;
  seats.hold(socket, offer.runId, now + seat.leaseMs);
  return socket;
}
