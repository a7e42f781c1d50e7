/**
 * The mailbox of one agent without an address (docs/contract.md §14). It keeps the runs that are offered to the agent, and
 * the sockets that take them. A run stays in its job. An offer is a pointer, and a claim is handed out only after the job
 * has confirmed it. So an outdated offer costs a question but is never handed out twice.
 */
import { DurableObject } from "cloudflare:workers";
import { leaseMsOf } from "../../src/agent/claim.ts";
import { isRevoked } from "../../src/directory/tokens.ts";
import { notClaimed } from "../../src/domain/run/claim.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import { mapLimit } from "../../src/map-limit.ts";
import { jobObject } from "../../src/objects/job.ts";
import {
  AGENT_DELETED,
  AGENT_MOVED,
  type ClaimRequest,
  type ConfirmClaim,
  type MailboxRpc,
  type MailboxStatus,
  type Offer,
  type OfferQuery,
  POLL_DONE,
  TOKEN_ENDED,
} from "../../src/objects/mailbox.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import type { JobRunBody } from "../../src/schema/agent-call.ts";
import { MAX_AGENT_SOCKETS, MINUTE_MS, SECOND_MS } from "../../src/schema/limits.ts";
import { SUBPROTOCOL } from "../../src/schema/mailbox.ts";
import { Alarm } from "../shared/alarm.ts";
import { Closing } from "./closing.ts";
import { FrameLimit, TOO_MANY_FRAMES } from "./frame-limit.ts";
import { answerTo, quotedIn, type ReadyFrame, type RunFrame, readFrame, refusal, report } from "./frames.ts";
import { matchOffers, takerOf } from "./matching.ts";
import { offersProtocol, socketRequestIn } from "./opening.ts";
import { endOf, type Seat, Seats, scopeOf, send } from "./seats.ts";
import { SocketLeases } from "./socket-leases.ts";
import { MailboxStore, type OfferKey, type StoredOffer } from "./store.ts";

/** The pause for an offer whose job cannot be reached. An offer that its claimant turns out not to see has a longer one. */
const UNREACHABLE_MS = SECOND_MS;
const HIDDEN_MS = MINUTE_MS;

export class MailboxObject extends DurableObject<Env> implements MailboxRpc {
  readonly #store: MailboxStore;
  readonly #seats: Seats;
  readonly #alarm: Alarm;
  readonly #closing: Closing;
  /** The runs that are being claimed at this moment. */
  readonly #claiming = new Set<string>();
  /** The runs that are left alone until a time (epoch ms). */
  readonly #left = new Map<string, number>();
  readonly #leases: SocketLeases;
  readonly #frames = new FrameLimit();
  #dispatching = false;
  #isWanted = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new MailboxStore(ctx.storage.sql);
    this.#seats = new Seats(ctx);
    this.#leases = new SocketLeases(env, this.#seats, (work) => ctx.waitUntil(work));
    this.#alarm = new Alarm(ctx.storage);
    this.#closing = new Closing(env, this.#store, {
      agentId: () => this.#agentId,
      busy: () => this.#busy(),
      failed: (offer, error) => this.#failed(offer, error),
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  async offer(offer: Offer, confirm?: ConfirmClaim): Promise<{ readonly offeredAt: number }> {
    const offered = { ...offer, offeredAt: Date.now() };
    const { offeredAt } = offered;
    this.#left.delete(offer.runId);
    // No socket holds the run any more: it was given back, or its lease ran out.
    this.#seats.free(offer.runId);
    const socket = takerOf(this.#desk, offered);
    // A socket waits for the run. The job has recorded that it calls, so the offer need not be stored as well.
    if (socket !== undefined && (await this.#hand(offered, socket, confirm)) === "gone") return { offeredAt };
    this.#store.add(offered);
    this.#dispatch();
    return { offeredAt };
  }

  async claim(request: ClaimRequest): Promise<JobRunBody[]> {
    return this.#take(request);
  }

  async status(): Promise<MailboxStatus> {
    return { connected: this.#seats.sockets("agent").length, waiting: this.#store.count(Date.now()) };
  }

  async offers({ after, limit, ...of }: OfferQuery): ReturnType<MailboxRpc["offers"]> {
    const now = Date.now();
    const end = { offeredAt: now, runId: "" };
    if (after === undefined) return { offers: [], end, hasMore: false };
    // Offers of this very millisecond are left to the next look, since more may follow. A clock that was set back hides
    // none.
    const from = after.offeredAt > now ? end : after;
    const { items, stoppedAt } = this.#store.after(from, now, of, limit + 1);
    const offers = items.slice(0, limit);
    const more = items.length > limit ? offers.at(-1) : stoppedAt;
    return { offers, end: more ?? end, hasMore: more !== undefined };
  }

  async withdraw(offer: OfferKey): Promise<void> {
    this.#store.delete(offer);
  }

  async settled(run: OfferKey): Promise<void> {
    this.#store.delete(run);
    this.#seats.free(run.runId);
    this.#dispatch();
  }

  async renewed(runId: string, leaseEndsAt: number): Promise<void> {
    this.#seats.renew(runId, leaseEndsAt);
    this.#arm();
  }

  async disconnect(why: "deleted" | "moved"): Promise<void> {
    const wasInUse = this.#store.wasUsed || this.#seats.sockets().length > 0;
    const reason = why === "moved" ? "the agent has a URL now" : "the agent was deleted";
    for (const socket of this.#seats.sockets("agent")) socket.close(AGENT_DELETED, reason);
    for (const poll of this.#seats.sockets("poll")) poll.close(why === "moved" ? AGENT_MOVED : AGENT_DELETED, reason);
    this.#closing.close(Date.now(), wasInUse);
    this.#dispatch();
  }

  async revoked(tokenId: string): Promise<void> {
    for (const socket of this.#seats.sockets()) {
      const { caller } = this.#seats.get(socket);
      if (caller.role !== "admin" && caller.token_id === tokenId) socket.close(TOKEN_ENDED, "the token was revoked");
    }
  }

  override async fetch(request: Request): Promise<Response> {
    const opening = socketRequestIn(request);
    if (opening === undefined) return new Response(null, { status: 400 });
    if (opening.kind === "agent" && this.#seats.sockets("agent").length >= MAX_AGENT_SOCKETS) {
      return new Response(null, { status: 429 });
    }
    const atOnce = opening.kind === "poll" ? await this.#take(opening) : [];
    if (atOnce.length > 0) return Response.json(atOnce);
    const { 0: client, 1: server } = new WebSocketPair();
    this.#seats.open(server, opening);
    if (opening.kind === "poll") this.#dispatch();
    else this.#arm();
    const headers = offersProtocol(request) ? { "sec-websocket-protocol": SUBPROTOCOL } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const seat = this.#seats.get(socket);
    if (this.#hasEnded(socket, seat)) return;
    if (seat.kind === "poll") {
      this.#seats.set(socket, { ...seat, capacity: 0 });
      // If a run is on its way to this socket, that is the answer. Otherwise the answer is that there is none.
      if (Object.keys(seat.held).length === 0) send(socket, POLL_DONE);
      return;
    }
    this.#leases.renew(socket, seat);
    const frame = readFrame(message);
    if (!this.#mayAsk(seat)) send(socket, refusal({ ...quotedIn(frame), failure: TOO_MANY_FRAMES }));
    else if (!frame.ok) send(socket, refusal(frame.error));
    else if (frame.value.type === "ready") this.#ready(socket, seat, frame.value);
    else if (frame.value.type === "drain") this.#drain(socket, seat);
    else await this.#report(socket, seat, frame.value);
  }

  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    // Without an answer the client's close would hang. Codes that only describe a broken connection cannot be sent back.
    const isSendable = code === 1000 || (code >= 3000 && code <= 4999);
    try {
      socket.close(isSendable ? code : 1000, reason);
    } catch {
      // The socket is closed already.
    }
    this.#leases.giveBack(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#leases.giveBack(socket);
  }

  /** Whether one more frame of the socket's token is answered in this minute. */
  #mayAsk({ caller }: Seat): boolean {
    const { LOCAL, RATE_LIMITS } = settingsOf(this.env);
    return (LOCAL && RATE_LIMITS === "off") || this.#frames.admit(caller, Date.now());
  }

  /** The alarm. It does not throw (docs/architecture.md, invariant 3). */
  override async alarm(): Promise<void> {
    this.#alarm.taken();
    for (const socket of this.#seats.sockets("agent")) this.#hasEnded(socket, this.#seats.get(socket));
    await this.#closing.recheck(Date.now());
    await this.#handOut();
  }

  /** Hands offers to the sockets that have room, one round at a time. */
  #dispatch(): void {
    void this.#handOut();
  }

  async #handOut(): Promise<void> {
    this.#isWanted = true;
    if (this.#dispatching) return;
    this.#dispatching = true;
    const budget = new CallBudget(settingsOf(this.env).CALLS_PER_WAKE);
    try {
      while (this.#isWanted && !budget.isUsedUp) {
        this.#isWanted = false;
        if (await this.#closing.giveBack(budget)) this.#isWanted = true;
        const pairs = matchOffers(this.#desk, budget.left);
        budget.take(pairs.length);
        await mapLimit(pairs, ({ offer, socket }) => this.#hand(offer, socket));
        if (pairs.length > 0) this.#isWanted = true;
      }
    } catch (error) {
      logError("A mailbox could not hand out its runs; trying again", { agent_id: this.#agentId }, error);
      this.#alarm.by(Date.now() + UNREACHABLE_MS);
    } finally {
      this.#dispatching = false;
    }
    if (this.#isWanted) this.#alarm.by(Date.now());
    else this.#arm();
  }

  /** Takes the oldest runs that the caller may see. Each is confirmed by its job. */
  async #take({ caller, limit, leaseMs }: ClaimRequest): Promise<JobRunBody[]> {
    const bodies: JobRunBody[] = [];
    while (bodies.length < limit) {
      const offers = this.#store.oldest(scopeOf(caller), this.#busy(), limit - bodies.length);
      if (offers.length === 0) break;
      const terms = { caller, leaseMs, kind: "poll" } as const;
      const claimed = await mapLimit(offers, (offer) => this.#confirm(offer, terms));
      bodies.push(...claimed.filter((body) => typeof body !== "string"));
    }
    return bodies;
  }

  /** Hands one run to the socket that it is held for, if the job confirms the claim. Answers like {@link #confirm}. */
  async #hand(offer: StoredOffer, socket: WebSocket, confirm?: ConfirmClaim): Promise<"gone" | "kept"> {
    const seat = this.#seats.get(socket);
    const isRefused = await this.#isRevoked(socket, seat);
    const verdict = isRefused ? "kept" : await this.#confirm(offer, seat, confirm);
    const now = this.#seats.get(socket);
    if (typeof verdict === "string") {
      this.#letGo(socket, offer.runId);
      if (now.kind === "poll" && now.capacity === 0) send(socket, POLL_DONE);
      return verdict;
    }
    const isDrained = now.kind === "agent" && now.capacity === 0;
    if (now.kind === "poll") this.#seats.set(socket, { ...now, capacity: 0 });
    else this.#seats.hold(socket, offer.runId, Date.now() + now.leaseMs);
    if (!isDrained && send(socket, verdict)) return "gone";
    // The socket was closed or drained while the job was asked. The run goes back, which does not count as an attempt.
    this.#letGo(socket, offer.runId);
    const claimed_at = Date.parse(verdict.data.run.claimed_at ?? "");
    const claim = { role: "run", job_id: offer.jobId, run_id: offer.runId, claimed_at } as const;
    await jobObject(this.env, offer.jobId)
      .releaseRun(claim, offer.runId, "agent")
      .catch((error: unknown) => this.#failed(offer, error));
    return "gone";
  }

  /**
   * Asks the job for the run. `gone`: it is not offered any more. `kept`: it stays offered, because the job cannot be asked
   * or the caller may not see it. `confirm` asks the job over the call that makes the offer.
   */
  async #confirm(
    offer: StoredOffer,
    { caller, leaseMs, kind }: Pick<Seat, "caller" | "leaseMs" | "kind">,
    confirm: ConfirmClaim = (by, lease) => jobObject(this.env, offer.jobId).claimRun(by, offer.runId, lease),
  ): Promise<JobRunBody | "gone" | "kept"> {
    const { runId } = offer;
    this.#claiming.add(runId);
    try {
      const lease = { ms: leaseMs, bySocket: kind === "agent", agentId: this.#agentId, offeredAt: offer.offeredAt };
      const verdict = await confirm(caller, lease);
      if (verdict.kind === "hidden") {
        this.#left.set(runId, Date.now() + HIDDEN_MS);
        return "kept";
      }
      this.#store.delete(offer);
      return verdict.kind === "claimed" ? verdict.body : "gone";
    } catch (error) {
      this.#failed(offer, error);
      return "kept";
    } finally {
      this.#claiming.delete(runId);
    }
  }

  #failed({ jobId, runId }: StoredOffer, error: unknown): void {
    logError("A job could not be asked to confirm a claim", { job_id: jobId, run_id: runId }, error);
    const at = Date.now() + UNREACHABLE_MS;
    this.#left.set(runId, at);
    this.#alarm.by(at);
  }

  /** Notes the number of runs that the agent may hold at once, and how long without progress. */
  #ready(socket: WebSocket, seat: Seat, { capacity, lease }: ReadyFrame): void {
    const leaseMs = leaseMsOf(lease);
    if (!leaseMs.ok) {
      send(socket, refusal({ to: "ready", failure: leaseMs.error }));
      return;
    }
    this.#seats.set(socket, { ...seat, capacity, leaseMs: leaseMs.value });
    this.#dispatch();
  }

  /**
   * Gives the agent no further run until it is ready again. After the answer no run comes, not even a run that a claim has
   * begun to take.
   */
  #drain(socket: WebSocket, seat: Seat): void {
    this.#seats.set(socket, { ...seat, capacity: 0 });
    send(socket, { type: "ok", to: "drain" });
  }

  /** Carries out and answers a frame about a run. */
  async #report(socket: WebSocket, seat: Seat, frame: RunFrame): Promise<void> {
    if (await this.#isRevoked(socket, seat)) return;
    const { type, run_id } = frame;
    const heldUntil = this.#seats.heldUntil(socket, run_id);
    const outcome =
      type === "release" && this.#seats.isElsewhere(socket, run_id)
        ? notClaimed
        : await report(this.env, seat.caller, frame);
    if (outcome.ok && type === "progress") {
      const { lease_expires_at: leaseEndsAt } = outcome.value;
      if (leaseEndsAt !== undefined) await this.renewed(run_id, Date.parse(leaseEndsAt));
    } else if (outcome.ok && type === "release") {
      // The run may have been offered again before this answer, and a socket may hold it again.
      this.#seats.free(run_id, heldUntil ?? 0);
    } else if (outcome.ok || outcome.error.kind === "run_already_finished") {
      this.#seats.free(run_id);
    }
    send(socket, answerTo(frame, outcome));
    this.#dispatch();
  }

  /**
   * Closes the socket if its token was revoked. If the list of revoked tokens cannot be read, the token counts as valid,
   * since the mailbox is also told about each revocation.
   */
  async #isRevoked(socket: WebSocket, { caller }: Seat): Promise<boolean> {
    const revoked = await isRevoked(this.env, caller, Date.now()).catch(() => false);
    if (revoked) socket.close(TOKEN_ENDED, "the token was revoked");
    return revoked;
  }

  /** Takes back the room that was held for a run which the socket does not get. Another run may have come meanwhile. */
  #letGo(socket: WebSocket, runId: string): void {
    this.#seats.hold(socket, runId, undefined);
    this.#dispatch();
  }

  /** Closes the socket if its token has ended. */
  #hasEnded(socket: WebSocket, { caller }: Seat): boolean {
    const endsAt = endOf(caller);
    if (endsAt === undefined || endsAt > Date.now()) return false;
    if (socket.readyState === WebSocket.OPEN) socket.close(TOKEN_ENDED, "the token has expired");
    return true;
  }

  get #desk() {
    const hasEnded = (socket: WebSocket) => this.#hasEnded(socket, this.#seats.get(socket));
    return { seats: this.#seats, store: this.#store, busy: this.#busy(), hasEnded };
  }

  /** The runs that no other socket may take at present. */
  #busy(): string[] {
    const now = Date.now();
    for (const [runId, until] of this.#left) if (until <= now) this.#left.delete(runId);
    return [...this.#claiming, ...this.#left.keys()];
  }

  /** Arms the alarm for the next end that no call announces. A token ends, or the lease of a run that fills a socket. */
  #arm(): void {
    const now = Date.now();
    const seats = this.#seats.sockets("agent").map((socket) => this.#seats.get(socket));
    const ends = seats.flatMap(({ caller }) => endOf(caller) ?? []);
    const leases = seats.flatMap(({ held }) => Object.values(held)).filter((at) => at > now);
    const waits = leases.length > 0 && this.#store.oldest({}, this.#busy(), 1).length > 0;
    const { recheckAt = Number.POSITIVE_INFINITY } = this.#closing;
    const at = Math.min(...ends, ...(waits ? leases : []), ...this.#left.values(), recheckAt);
    if (Number.isFinite(at)) this.#alarm.by(Math.max(at, now));
  }

  get #agentId(): string {
    return this.ctx.id.name ?? "";
  }
}
