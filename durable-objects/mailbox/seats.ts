/**
 * The sockets of a mailbox, and the facts about each. The facts travel in the socket's attachment, so the object may
 * hibernate while sockets wait. Then nothing is billed.
 */
import * as z from "zod";
import { SOCKET_LEASE_MS } from "../../src/directory/streams.ts";
import { base32 } from "../../src/domain/text/base32.ts";
import { sha256 } from "../../src/domain/text/sha256.ts";
import type { Claimant, SocketRequest } from "../../src/objects/mailbox.ts";
import { DEFAULT_LEASE_MS } from "../../src/schema/limits.ts";
import type { Scope } from "./store.ts";

const id = z.string().optional();
const ClaimantShape = z.union([
  z.object({ role: z.literal("admin") }),
  z.object({
    role: z.enum(["agent", "user", "plugin"]),
    ...{ agent_id: id, user_id: id, plugin_id: id, token_id: id },
    agents: z.array(z.string()).readonly().optional(),
    expires_at: z.number().optional(),
  }),
]);

const Seat = z.object({
  /** An agent's socket, or one over which the Worker waits for a single run. */
  kind: z.enum(["agent", "poll"]),
  caller: ClaimantShape,
  /** The number of runs that it may hold. 0 until an agent is ready. */
  capacity: z.number(),
  leaseMs: z.number(),
  /** The runs that it holds, each with the end of its lease (epoch ms), by {@link runKey}. */
  held: z.record(z.string(), z.number()),
  /** The lease that counts it among its token's streams and sockets, and the time to renew that (epoch ms). */
  lease: z.string().optional(),
  renewAt: z.number().optional(),
});
export type Seat = z.output<typeof Seat>;

/**
 * The length of a run's key. An attachment holds 16 KiB, too little for the ids of a hundred runs. 60 bits distinguish the
 * runs of one socket.
 */
const KEY_CHARS = 12;
const runKey = (runId: string): string => base32(sha256(runId), KEY_CHARS);

/** The first open request, as the Worker sends it. */
export const SocketRequestText = z.union([
  z.object({ kind: z.literal("agent"), caller: ClaimantShape, lease: z.string() }),
  z.object({ kind: z.literal("poll"), caller: ClaimantShape, limit: z.number(), leaseMs: z.number() }),
]);

export class Seats {
  readonly #ctx: DurableObjectState;
  readonly #known = new WeakMap<WebSocket, Seat>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Adds a socket. */
  open(socket: WebSocket, request: SocketRequest): void {
    this.#ctx.acceptWebSocket(socket, [request.kind]);
    const isPoll = request.kind === "poll";
    this.set(socket, {
      kind: request.kind,
      caller: request.caller,
      capacity: isPoll ? 1 : 0,
      leaseMs: isPoll ? request.leaseMs : DEFAULT_LEASE_MS,
      held: {},
      ...(isPoll ? {} : { lease: request.lease, renewAt: Date.now() + SOCKET_LEASE_MS / 2 }),
    });
  }

  /** The open sockets of a kind, or of both. */
  sockets(kind?: Seat["kind"]): WebSocket[] {
    return this.#ctx.getWebSockets(kind).filter(({ readyState }) => readyState === WebSocket.OPEN);
  }

  /** The facts of a socket. A socket without a readable attachment gets no runs. */
  get(socket: WebSocket): Seat {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const read = Seat.safeParse(socket.deserializeAttachment());
    const seat = read.success ? read.data : NOBODY;
    this.#known.set(socket, seat);
    return seat;
  }

  set(socket: WebSocket, seat: Seat): void {
    this.#known.set(socket, seat);
    socket.serializeAttachment(seat);
  }

  /** Notes that the socket holds the run until `leaseEndsAt`. Undefined means that it no longer holds it. */
  hold(socket: WebSocket, runId: string, leaseEndsAt: number | undefined): void {
    const seat = this.get(socket);
    const { [runKey(runId)]: _before, ...others } = seat.held;
    const held = leaseEndsAt === undefined ? others : { ...others, [runKey(runId)]: leaseEndsAt };
    this.set(socket, { ...seat, held });
  }

  /** Notes a later end of the run's lease. */
  renew(runId: string, leaseEndsAt: number): void {
    for (const socket of this.#holders(runId)) this.hold(socket, runId, leaseEndsAt);
  }

  /** Notes that no socket holds the run any more. With `leaseEndsAt` it frees only the lease that ends then. */
  free(runId: string, leaseEndsAt?: number): void {
    for (const socket of this.#holders(runId)) {
      const isMeant = leaseEndsAt === undefined || this.heldUntil(socket, runId) === leaseEndsAt;
      if (isMeant) this.hold(socket, runId, undefined);
    }
  }

  /** Whether another socket holds the run, because this socket's lease ran out. */
  isElsewhere(socket: WebSocket, runId: string): boolean {
    const holders = this.#holders(runId);
    return holders.length > 0 && !holders.includes(socket);
  }

  /** The end of the lease by which the socket holds the run. Undefined if it does not hold it. */
  heldUntil(socket: WebSocket, runId: string): number | undefined {
    return this.get(socket).held[runKey(runId)];
  }

  #holders(runId: string): WebSocket[] {
    return this.sockets("agent").filter((socket) => this.heldUntil(socket, runId) !== undefined);
  }
}

const NOBODY: Seat = { kind: "poll", caller: { role: "agent" }, capacity: 0, leaseMs: DEFAULT_LEASE_MS, held: {} };

/** When the claimant's token ends (epoch ms). Undefined for the operator's. */
export const endOf = (caller: Claimant): number | undefined =>
  caller.role === "admin" ? undefined : caller.expires_at;

/** The number of further runs that the seat may hold. A run whose lease is over is no longer this socket's. */
export function roomOf({ capacity, held }: Seat, now: number): number {
  return capacity - Object.values(held).filter((leaseEndsAt) => leaseEndsAt > now).length;
}

/** The offers that a claimant may see, by the ids that its token carries. */
export const scopeOf = (caller: Claimant): Scope =>
  caller.role === "admin" ? {} : { agentId: caller.agent_id, userId: caller.user_id };

/** Whether an offer is in the scope, by the same rule as the store's queries. */
export const isInScope = (offer: Scope, { agentId, userId }: Scope): boolean =>
  (agentId === undefined || offer.agentId === agentId) && (userId === undefined || offer.userId === userId);

/** Sends a message. False if it could not be sent. */
export function send(socket: WebSocket, message: object | string): boolean {
  if (socket.readyState !== WebSocket.OPEN) return false;
  try {
    socket.send(typeof message === "string" ? message : JSON.stringify(message));
    return true;
  } catch {
    return false;
  }
}
