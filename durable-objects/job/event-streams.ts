/**
 * The open event streams of one job: their number, and whether each may still listen (docs/contract.md §16, §17). A stream
 * is checked at each message, and ends with its token.
 */
import { closeStream, newLease, openStream } from "../../src/directory/streams.ts";
import { isRevoked } from "../../src/directory/tokens.ts";
import type { Outcome } from "../../src/domain/failure.ts";
import { type Caller, canReadRuns, canSee, type TokenFacts } from "../../src/domain/job/access.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Run } from "../../src/domain/run/run.ts";
import type { Env } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import { MAX_JOB_STREAMS, MAX_TOKEN_STREAMS, SECOND_MS } from "../../src/schema/limits.ts";
import { openEvents } from "./events.ts";
import type { FanOutProgress } from "./fan-outs/progress.ts";
import type { JobState } from "./state.ts";

/** The pause between two checks of a stream's token and lease. So a revocation takes effect within 10 s. */
const CHECK_MS = 4 * SECOND_MS;
/** A timer's longest wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const RETRY_SECONDS = 30;
/** The pause between two rounds of comments. */
const ROUND_MS = 100;
/** The first write to a reader that has gone still succeeds. On a busy machine later ones do too. */
const MAX_ROUNDS = 10;

export class EventStreams {
  readonly #env: Env;
  readonly #state: JobState;
  readonly #progress: FanOutProgress;
  /** For each lease, the function that sends a comment. */
  readonly #open = new Map<string, () => void>();
  #round: Promise<void> | undefined;

  constructor(env: Env, state: JobState, progress: FanOutProgress) {
    this.#env = env;
    this.#state = state;
    this.#progress = progress;
  }

  /**
   * Opens a stream for a caller that may see the job. Errors: `rate_limited` if the job or the token has its most streams
   * open.
   */
  async open(caller: Caller, lastRev: number | undefined): Promise<Outcome<ReadableStream<Uint8Array>>> {
    const lease = newLease(Date.now());
    await this.#dropGone();
    if (this.#open.size >= MAX_JOB_STREAMS) {
      return tooMany(`This job has ${MAX_JOB_STREAMS} event streams open, which is the most.`);
    }
    this.#open.set(lease, () => undefined);
    const isOpen = await openStream(this.#env, caller, lease).catch((error) => {
      logError("The event streams of a token could not be counted", {}, error);
      return true;
    });
    if (!isOpen) {
      this.#open.delete(lease);
      return tooMany(`This token has ${MAX_TOKEN_STREAMS} event streams and sockets open, which is the most.`);
    }
    return ok(
      openEvents(this.#state, this.#progress, lastRev, (end, ping) => this.#listener(caller, lease, end, ping)),
    );
  }

  /** The watch over one open stream. `end` closes the stream. */
  #listener(caller: Caller, lease: string, end: () => void, ping: () => void) {
    this.#open.set(lease, ping);
    const { expires_at = Number.POSITIVE_INFINITY }: TokenFacts & { readonly role: string } = caller;
    const expiry = setTimeout(end, Math.min(MAX_TIMER_MS, Math.max(0, expires_at - Date.now())));
    const check = setInterval(() => void this.#check(caller, lease, end), CHECK_MS);
    return {
      mayHear: (): boolean => {
        const record = this.#state.stored?.record;
        return Date.now() < expires_at && record !== undefined && canSee(caller, record.definition);
      },
      mayHearOf: (run: Run): boolean => {
        const record = this.#state.stored?.record;
        return run.userId === undefined || (record !== undefined && canReadRuns(caller, record.definition));
      },
      ended: (): void => {
        clearTimeout(expiry);
        clearInterval(check);
        this.#open.delete(lease);
        void closeStream(this.#env, caller, lease);
      },
    };
  }

  /** Sends comments on every stream until one has ended, because only a failed write shows that a reader has gone. */
  async #dropGone(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS && this.#open.size >= MAX_JOB_STREAMS; round++) {
      this.#round ??= this.#comment().finally(() => {
        this.#round = undefined;
      });
      await this.#round;
    }
  }

  /** One round of comments. Calls at the same time share it, so that readers get no more of them. */
  async #comment(): Promise<void> {
    for (const ping of [...this.#open.values()]) ping();
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  }

  async #check(caller: Caller, lease: string, end: () => void): Promise<void> {
    try {
      if (await isRevoked(this.#env, caller, Date.now())) end();
      else if (!(await openStream(this.#env, caller, lease))) end();
    } catch (error) {
      logError("An event stream could not be checked, so it is closed", {}, error);
      end();
    }
  }
}

const tooMany = (detail: string) => err({ kind: "rate_limited", retryAfterSeconds: RETRY_SECONDS, detail } as const);
