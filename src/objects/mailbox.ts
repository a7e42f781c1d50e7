/**
 * The contract of the mailbox of an agent without an address (docs/contract.md §14).
 * `durable-objects/mailbox/object.ts` implements it. Instants are epoch ms.
 */
import type { BoundCaller, Caller } from "../domain/job/access.ts";
import type { Lease } from "../domain/run/claim.ts";
import type { JobRunBody } from "../schema/agent-call.ts";
import type { Objects } from "./binding.ts";
import type { ClaimVerdict } from "./job.ts";

/** A run in the mailbox. `agentId` and `userId` are its job's, and decide which tokens may see it. */
export type Offer = {
  readonly jobId: string;
  readonly runId: string;
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  /** When its job gives up waiting for a claim. */
  readonly expiresAt: number;
};

/** An offer in the mailbox, and its time (epoch ms). */
export type StandingOffer = Offer & OfferPlace;

/** The place of an offer in the order in which offers were made. */
export type OfferPlace = { readonly offeredAt: number; readonly runId: string };

/** The query of offers. Without `after` only the end is asked for. */
export type OfferQuery = {
  readonly after?: OfferPlace | undefined;
  readonly limit: number;
  readonly jobId?: string | undefined;
  readonly userId?: string | undefined;
};

/** The callers who may take runs out of a mailbox: the operator and agents. */
export type Claimant = Extract<Caller, { role: "admin" }> | BoundCaller;

/** The job's answer about one run before it is handed out: `claimRun` for the run of the offer. */
export type ConfirmClaim = (caller: Claimant, lease: Lease) => Promise<ClaimVerdict>;

export type ClaimRequest = { readonly caller: Claimant; readonly limit: number; readonly leaseMs: number };

/** The figures of a mailbox. `connected` are open sockets; `waiting` are unclaimed runs. */
export type MailboxStatus = { readonly connected: number; readonly waiting: number };

/**
 * A request for a socket. It is an agent's own (`lease` counts it among the token's sockets), or the Worker waits over it
 * for one run, if none is offered at once.
 */
export type SocketRequest =
  | { readonly kind: "agent"; readonly caller: Claimant; readonly lease: string }
  | ({ readonly kind: "poll" } & ClaimRequest);

/** The header that carries {@link SocketRequest} as JSON, since an RPC cannot answer with a WebSocket. */
export const SOCKET_REQUEST_HEADER = "x-reveille-socket";

/** The Worker's last message over its waiting socket, and the answer to it if no run is on its way. */
export const POLL_DONE = "done";

/** Close codes of the socket (docs/contract.md §14). */
export const TOKEN_ENDED = 4401;
export const AGENT_DELETED = 4404;
/** The close code of the Worker's waiting socket if the agent has an address now. */
export const AGENT_MOVED = 4409;

export interface MailboxRpc {
  /**
   * Puts a run into the mailbox until it is claimed or expires. Answers since when. If an agent waits for the run,
   * `confirm` is asked over the session of this very call, which saves a request to an object. Left out: the job is called.
   */
  offer(offer: Offer, confirm?: ConfirmClaim): Promise<{ readonly offeredAt: number }>;
  /** Takes the oldest runs that the caller may see, each confirmed by its job. The answer is empty if none is offered. */
  claim(request: ClaimRequest): Promise<JobRunBody[]>;
  status(): Promise<MailboxStatus>;
  /** The offers after a place, older ones first, and the place to continue from. It claims nothing. */
  offers(query: OfferQuery): Promise<{
    readonly offers: readonly StandingOffer[];
    readonly end: OfferPlace;
    readonly hasMore: boolean;
  }>;
  /** Withdraws an offer, since the call that made it was given up. A run that was handed out stays with its agent. */
  withdraw(offer: { readonly runId: string; readonly offeredAt: number }): Promise<void>;
  /** A run of this mailbox has ended. Its offer goes, and a socket that held it has room again. */
  settled(run: { readonly runId: string; readonly offeredAt: number }): Promise<void>;
  /** The agent has renewed a lease over HTTP for a run that one of its sockets holds. */
  renewed(runId: string, leaseEndsAt: number): Promise<void>;
  /**
   * The agent was deleted or has an address now. Every socket is closed, and offered runs go back to their jobs, which look
   * the agent up again. Claimed runs stay the agent's.
   */
  disconnect(why: "deleted" | "moved"): Promise<void>;
  /** Closes the sockets of a revoked token. */
  revoked(tokenId: string): Promise<void>;
  /**
   * Opens the socket that {@link SOCKET_REQUEST_HEADER} describes: 101, or 429 if the agent has its most sockets open. A claim that
   * need not wait is answered with 200 and its runs as JSON, so that it is one call too.
   */
  fetch(request: Request): Promise<Response>;
}

export type MailboxBinding = { readonly MAILBOX: Objects<MailboxRpc> };

/** The mailbox of an agent. The stub is fresh each time, since one that has thrown stays broken. */
export const mailboxObject = (env: MailboxBinding, agentId: string): MailboxRpc => env.MAILBOX.getByName(agentId);
