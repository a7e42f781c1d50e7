/**
 * The contract of the mailbox of an agent without an address (docs/contract.md §14).
 * `durable-objects/mailbox/object.ts` implements it. Instants are epoch ms.
 */
import type { BoundCaller, Caller } from "../domain/job/access.ts";
import type { Lease } from "../domain/run/claim.ts";
import type { JobRunBody } from "../schema/agent-call.ts";
import type { Objects } from "./binding.ts";
import type { ClaimVerdict } from "./job.ts";

/** A run that lies in the mailbox. `agentId` and `userId` are its job's: they decide which tokens may see it. */
export type Offer = {
  readonly jobId: string;
  readonly runId: string;
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  /** When its job gives the claim up. */
  readonly expiresAt: number;
};

/** An offer in the mailbox, and its time (epoch ms). */
export type StandingOffer = Offer & OfferPlace;

/** Where an offer stands in the order in which they were made. */
export type OfferPlace = { readonly offeredAt: number; readonly runId: string };

/** `after` left out: none is asked for but the end. */
export type OfferQuery = {
  readonly after?: OfferPlace | undefined;
  readonly limit: number;
  readonly jobId?: string | undefined;
  readonly userId?: string | undefined;
};

/** The callers who may take runs out of a mailbox: the operator and agents. */
export type Claimant = Extract<Caller, { role: "admin" }> | BoundCaller;

/** The job's word on one run, before it is handed out: `claimRun` for the run that an offer is about. */
export type ConfirmClaim = (caller: Claimant, lease: Lease) => Promise<ClaimVerdict>;

export type ClaimRequest = { readonly caller: Claimant; readonly limit: number; readonly leaseMs: number };

/** `connected`: open sockets. `waiting`: runs that are offered and not claimed. */
export type MailboxStatus = { readonly connected: number; readonly waiting: number };

/**
 * The opener of a socket. An agent's own (`lease`: what the token's sockets are counted by), or the one over which
 * the Worker waits for one run.
 */
export type SocketRequest =
  | { readonly kind: "agent"; readonly caller: Claimant; readonly lease: string }
  | { readonly kind: "poll"; readonly caller: Claimant; readonly leaseMs: number };

/** The header in which {@link SocketRequest} travels, as JSON: an RPC cannot answer with a WebSocket. */
export const SOCKET_REQUEST_HEADER = "x-reveille-socket";

/** The Worker's last word over its waiting socket, and the answer to it if no run is on its way. */
export const POLL_DONE = "done";

/** Close codes of the socket (docs/contract.md §14). */
export const TOKEN_ENDED = 4401;
export const AGENT_DELETED = 4404;
/** The close code of the Worker's waiting socket when the agent has an address now. */
export const AGENT_MOVED = 4409;

export interface MailboxRpc {
  /**
   * Puts a run into the mailbox; it stays until it is claimed or its time is over. Answers since when. `confirm` is asked if somebody
   * waits for the run: a callback over the session of this very call, which is no further request of an object. Left out: the job is called.
   */
  offer(offer: Offer, confirm?: ConfirmClaim): Promise<{ readonly offeredAt: number }>;
  /** Takes the oldest runs that the caller may see, each confirmed by its job. Answers none when none is offered. */
  claim(request: ClaimRequest): Promise<JobRunBody[]>;
  status(): Promise<MailboxStatus>;
  /** The offers that stand after a place, older ones first, and the place to go on from. Nothing is claimed. */
  offers(query: OfferQuery): Promise<{
    readonly offers: readonly StandingOffer[];
    readonly end: OfferPlace;
    readonly hasMore: boolean;
  }>;
  /** A run of this mailbox has ended: its offer goes, and a socket that held it has room again. */
  settled(run: { readonly runId: string; readonly offeredAt: number }): Promise<void>;
  /** The agent has renewed the lease of a run that one of its sockets holds. It did so by another way than the socket. */
  renewed(runId: string, leaseEndsAt: number): Promise<void>;
  /**
   * The agent was deleted, or has an address now. Every socket is closed, and what is offered goes back to its jobs,
   * which deliver it as the agent is reached then. What is claimed stays the agent's.
   */
  disconnect(why: "deleted" | "moved"): Promise<void>;
  /** The token is revoked: its sockets are closed. */
  revoked(tokenId: string): Promise<void>;
  /** Opens the socket that {@link SOCKET_REQUEST_HEADER} describes: 101, or 429 when the agent has as many as it may. */
  fetch(request: Request): Promise<Response>;
}

export type MailboxBinding = { readonly MAILBOX: Objects<MailboxRpc> };

/** The mailbox of an agent. A fresh stub each time: one that has thrown stays broken. */
export const mailboxObject = (env: MailboxBinding, agentId: string): MailboxRpc => env.MAILBOX.getByName(agentId);
