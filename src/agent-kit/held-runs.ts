/**
 * The runs that a connection holds. Each is worked on once at a time, kept by signs of life, and reported when it has
 * ended.
 */
import { parseDuration } from "../domain/time/duration.ts";
import { type Completion, completionOf } from "./outcome.ts";
import { type Fetch, progressUrl, type Reported, releaseUrl, send, sendUntilDone } from "./report.ts";
import type { OnRun, Progress, RunCall } from "./run.ts";
import type { MailboxSocket } from "./socket.ts";
import { MAX_TIMER_MS, within } from "./wait.ts";
import { begin, type Working } from "./working.ts";

type Held = { readonly working: Working; call: RunCall };

/** The time for which a completion is retried, and the longest run of a job without a limit. */
const HOUR_MS = 3_600_000;
/** The time for which giving back is retried, and for which an aborted run may take to end. */
const GIVE_BACK_LIMIT_MS = 10_000;
const END_LIMIT_MS = 6_000;
/**
 * The time before the first sign of life. Later ones come after a tenth of the run's age. So a short run is cancelled soon,
 * and a long one costs little.
 */
const FIRST_BEAT_MS = 2_000;
const BEAT_SHARE_OF_AGE = 0.1;
/** The share of the lease between two signs of life. Two may get lost before the lease runs out. */
const BEAT_SHARE_OF_LEASE = 1 / 3;

export type HeldRunsOptions = {
  readonly onRun: OnRun;
  readonly leaseMs: number;
  readonly fetch: Fetch;
  /** The current socket, if there is one. */
  readonly socket: () => MailboxSocket | undefined;
  readonly onTaken: (call: RunCall) => void;
  /** Called when a run is no longer held. */
  readonly onFreed: (runId: string) => void;
  /** Called when a completion did not arrive. */
  readonly onLost: (call: RunCall, why: string) => void;
};

export class HeldRuns {
  readonly #options: HeldRunsOptions;
  readonly #held = new Map<string, Held>();
  /** The runs whose end is not reported yet, or that are being given back. */
  readonly #unreported = new Set<Promise<void>>();
  readonly #givenBack = deferred();

  constructor(options: HeldRunsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#held.size;
  }

  get ids(): string[] {
    return [...this.#held.keys()];
  }

  /** Begins to work on a run, unless it is already in progress here. */
  take(call: RunCall): void {
    const { id } = call.data.run;
    const known = this.#held.get(id);
    if (known !== undefined) {
      // Its lease ran out, for example while a laptop slept, and the run came back here. The work in progress continues for
      // it.
      known.call = call;
      return;
    }
    const entry: Held = {
      call,
      working: begin(call, this.#options.onRun, completionLimitOf(call), (progress) => this.#report(entry, progress)),
    };
    this.#held.set(id, entry);
    this.#options.onTaken(call);
    void this.#beat(entry);
    this.#track(this.#finish(entry));
  }

  /** Gives back a run that was on its way when we asked for no more. */
  turnAway(call: RunCall): void {
    this.#track(this.#return(call, Date.now() + GIVE_BACK_LIMIT_MS));
  }

  /** Resolves when every run has ended and its end is reported or given up, or when all are given back. */
  async allReported(): Promise<void> {
    await Promise.race([Promise.all(this.#unreported), this.#givenBack.promise]);
  }

  /** Aborts every run and gives it back. If that fails within ten seconds, the run returns when its lease runs out. */
  async giveBack(): Promise<void> {
    const deadline = Date.now() + GIVE_BACK_LIMIT_MS;
    const given = [...this.#held.values()];
    this.#held.clear();
    for (const { working } of given) working.end("The run was given back");
    // Without this, the runs that are given back would be handed to us again.
    await within(Promise.resolve(this.#options.socket()?.drain()), GIVE_BACK_LIMIT_MS, undefined);
    await within(Promise.all(given.map(({ call }) => this.#return(call, deadline))), deadline - Date.now(), undefined);
    // A program has a moment to end. Code that ignores its signal is not waited for.
    await within(Promise.all(this.#unreported), END_LIMIT_MS, undefined);
    this.#givenBack.resolve();
  }

  async #return({ data: { run, complete } }: RunCall, deadline: number): Promise<void> {
    const reply = await this.#options.socket()?.ask("release", run, {});
    if (reply !== undefined && reportedOf(reply.status).kind !== "lost") return;
    const report = { url: releaseUrl(complete.url), token: complete.token, body: {} };
    await sendUntilDone(this.#options.fetch, report, deadline);
  }

  #track(work: Promise<void>): void {
    const done = work.finally(() => this.#unreported.delete(done));
    this.#unreported.add(done);
  }

  async #finish(entry: Held): Promise<void> {
    const outcome = await entry.working.outcome;
    const { id } = entry.call.data.run;
    const completion = completionOf(outcome);
    if (completion !== undefined && !entry.working.isEnded && this.#held.get(id) === entry)
      await this.#complete(entry, completion);
    if (this.#held.get(id) === entry) this.#held.delete(id);
    this.#options.onFreed(id);
  }

  /**
   * Reports over the socket if there is one, since that informs the mailbox too. Otherwise it uses HTTP with the run's own
   * token.
   */
  async #report(entry: Held, progress: Progress): Promise<Reported> {
    const { run, complete } = entry.call.data;
    const reply = await this.#options.socket()?.ask("progress", run, progress);
    if (reply !== undefined) return reportedOf(reply.status);
    return send(this.#options.fetch, { url: progressUrl(complete.url), token: complete.token, body: progress });
  }

  async #complete(entry: Held, completion: Completion): Promise<void> {
    const { run } = entry.call.data;
    const reply = await this.#options.socket()?.ask("complete", run, completion);
    if (reply !== undefined && reportedOf(reply.status).kind !== "lost") return;
    const { url, token } = entry.call.data.complete;
    const report = { url, token, body: completion };
    const reported = await sendUntilDone(this.#options.fetch, report, Date.now() + HOUR_MS);
    if (reported.kind === "lost") this.#options.onLost(entry.call, reported.why);
  }

  /** Renews the lease of a run until it ends, and notices when it was cancelled. */
  async #beat(entry: Held): Promise<void> {
    const began = Date.now();
    const isHeld = (): boolean => !entry.working.isEnded && this.#held.get(entry.call.data.run.id) === entry;
    for (;;) {
      const age = Date.now() - began;
      const wait = Math.min(
        this.#options.leaseMs * BEAT_SHARE_OF_LEASE,
        Math.max(FIRST_BEAT_MS, age * BEAT_SHARE_OF_AGE),
      );
      const outcome = await within(entry.working.outcome, wait, undefined);
      if (outcome !== undefined || !isHeld()) return;
      const { kind } = await this.#report(entry, entry.working.progress);
      if (kind === "ended" && isHeld()) entry.working.end("Reveille has ended the run");
      if (kind === "done") entry.working.renew(completionLimitOf(entry.call));
    }
  }
}

/** A replacement for `Promise.withResolvers`, which Node 20 does not have. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The meaning of a frame's problem for the run, by its status. No status means `ok`. */
function reportedOf(status: number | undefined): Reported {
  if (status === undefined) return { kind: "done" };
  return [401, 403, 404, 409].includes(status) ? { kind: "ended" } : { kind: "lost", why: `answered ${status}` };
}

function completionLimitOf({ data }: RunCall): number {
  const text = data.job.completion_timeout;
  const read = typeof text === "string" ? parseDuration(text) : undefined;
  return read?.ok === true && read.value > 0 ? Math.min(read.value, MAX_TIMER_MS) : HOUR_MS;
}
