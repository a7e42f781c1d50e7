/**
 * A job's runs for its callers: list, read, complete, progress, cancel. The runs of an all_users job's users live in the
 * shards of its fan-outs. Callers need not know that.
 */

import { notifyListeners } from "../../src/agent/attempt.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import { type Caller, canReadRuns, canReport, canSee, runsRefused } from "../../src/domain/job/access.ts";
import { pageOf } from "../../src/domain/page.ts";
import { err, ok } from "../../src/domain/result.ts";
import { isClaimable, isReleasable, type Lease, notClaimed } from "../../src/domain/run/claim.ts";
import { isActive, type PreviousRun, type Run, repeatsReport } from "../../src/domain/run/run.ts";
import {
  changeByCancel,
  changeByClaim,
  changeByCompletion,
  changeByProgress,
  changeByRelease,
  type RunChanged,
} from "../../src/domain/run/run-change.ts";
import { parseUserRunId } from "../../src/domain/run/run-id.ts";
import { reportedView, runView } from "../../src/domain/run/run-view.ts";
import type { TickState } from "../../src/domain/run/tick.ts";
import type { ClaimedRun, RunChange } from "../../src/objects/fan-out.ts";
import type { ReleasedBy, RunPlace, RunQuery } from "../../src/objects/job.ts";
import type { CompleteBody, Progress, Run as RunView } from "../../src/schema/run.ts";
import type { UserRuns } from "./fan-outs/user-runs.ts";
import { type JobState, type StoredState, visibleRecord } from "./state.ts";

export class JobRunLog {
  readonly #state: JobState;
  readonly #userRuns: UserRuns;

  constructor(state: JobState, userRuns: UserRuns) {
    this.#state = state;
    this.#userRuns = userRuns;
  }

  /** The run log, newest first. `next` is the place to continue from, if there is more. */
  async list(
    caller: Caller,
    query: RunQuery,
  ): Promise<Outcome<{ readonly items: RunView[]; readonly next?: RunPlace }>> {
    const seen = visibleRecord(this.#state, caller);
    if (!seen.ok) return seen;
    if (!canReadRuns(caller, seen.value.record.definition)) return runsRefused;
    const { before, limit, status, userId, unchanged, since, until } = query;
    if (typeof before !== "number" && (this.#state.fanOuts.present || query.fanOutId !== undefined)) {
      return ok(await this.#userRuns.runs(seen.value.record.id, { ...query, before }));
    }
    const beforeSeq = typeof before === "number" ? before : undefined;
    const rows = this.#state.store.runs({ limit: limit + 1, beforeSeq, status, userId, unchanged, since, until });
    const page = pageOf(rows, limit, ({ seq }) => seq);
    return ok({ ...page, items: page.items.map((run) => runView(seen.value.record.id, run)) });
  }

  /** One run, for callers who may see the job and for the run's own token. */
  async read(caller: Caller, runId: string): Promise<Outcome<RunView>> {
    if (isUserRun(runId)) {
      const refused = this.#refuseUserRun(caller, runId);
      return refused ?? this.#userRuns.run(runId);
    }
    const seen = this.#reportable(caller, runId);
    if (!seen.ok) return seen;
    return this.#refuseOthers(caller, seen.value.run) ?? ok(runView(seen.value.state.record.id, seen.value.run));
  }

  /** Takes the agent's report of a run's end. Repeating the same report is fine; a different one comes too late. */
  async complete(caller: Caller, runId: string, body: CompleteBody, via?: "mailbox"): Promise<Outcome<RunView>> {
    if (isUserRun(runId)) return this.#changeUserRun(caller, runId, { kind: "complete", body, via });
    const seen = this.#reportable(caller, runId);
    if (!seen.ok) return seen;
    const { state, run } = seen.value;
    const { id: jobId, definition } = state.record;
    const report = isActive(run) ? await notifyListeners(definition, { ...run, jobId }, body) : body;
    return this.#changeRun(
      caller,
      runId,
      (current, active, now) => changeByCompletion(current, active, report, now),
      (ended) => repeatsReport(ended, body.status),
    );
  }

  async progress(caller: Caller, runId: string, progress: Progress, via?: "mailbox"): Promise<Outcome<RunView>> {
    if (isUserRun(runId)) return this.#changeUserRun(caller, runId, { kind: "progress", progress, via });
    return this.#changeRun(
      caller,
      runId,
      (current, active, now) => changeByProgress(current, active, progress, now),
      () => false,
    );
  }

  /** Stops an active run and aborts a call in flight. */
  async cancel(caller: Caller, runId: string): Promise<Outcome<RunView>> {
    if (isUserRun(runId)) {
      const refused = this.#refuseUserRun(caller, runId);
      return refused ?? this.#changeUserRun(caller, runId, { kind: "cancel" });
    }
    const seen = this.#reportable(caller, runId);
    const refused = seen.ok ? this.#refuseOthers(caller, seen.value.run) : undefined;
    return refused ?? this.#changeRun(caller, runId, changeByCancel, () => false);
  }

  /** Hands a run to the agent that claims it, if it is still offered. */
  async claim(
    caller: Caller,
    runId: string,
    lease: Lease,
    calledId: string | undefined,
  ): Promise<ClaimedRun | "not_offered" | "hidden"> {
    const { current } = this.#state;
    if (current === undefined || current.record.deletedAt !== undefined) return "not_offered";
    const { definition, origin } = current.record;
    if (!canSee(caller, definition)) return "hidden";
    if (isUserRun(runId)) return (await this.#userRuns.claimRun(runId, lease)) ?? "not_offered";
    const run = current.active.find(({ id }) => id === runId);
    if (run === undefined || !isClaimable(run, lease.agentId, calledId)) return "not_offered";
    const claimed = changeByClaim(current, run, lease, Date.now());
    this.#state.commit(claimed);
    return { run: claimed.run, definition, origin, previous: await this.previousOf(run) };
  }

  /**
   * The last ended run before this one, of the same user. For a repeated run of a fan-out's user it is at least the
   * repeated run.
   */
  async previousOf(run: Run): Promise<PreviousRun | undefined> {
    if (!this.#state.stored?.record.definition.continuity) return undefined;
    return this.#state.store.lastEnded(run) ?? (await this.#userRuns.repeatedBy(run));
  }

  /** Takes back a run that was claimed or offered. It is delivered again at once. */
  async release(caller: Caller, runId: string, by: ReleasedBy): Promise<Outcome<RunView>> {
    const claimedAt = caller.role === "run" ? caller.claimed_at : undefined;
    if (isUserRun(runId)) return this.#changeUserRun(caller, runId, { kind: "release", by, claimedAt });
    const seen = this.#reportable(caller, runId);
    if (seen.ok && isActive(seen.value.run) && !isReleasable(seen.value.run, by, claimedAt)) return notClaimed;
    return this.#changeRun(caller, runId, changeByRelease, () => false);
  }

  /** The run, if it exists and this caller may report on it (or read it). */
  #reportable(caller: Caller, runId: string): Outcome<{ readonly state: StoredState; readonly run: Run }> {
    const state = this.#state.stored;
    if (state === undefined || state.record.deletedAt !== undefined) return notFound("run");
    if (!this.#mayReport(caller, runId)) return notFound("run");
    const run = this.#state.store.run(runId);
    return run === undefined ? notFound("run") : ok({ state, run });
  }

  /** Refuses a user's run of a fan-out to callers who may not read the job's runs. Its own token may read it. */
  #refuseUserRun(caller: Caller, runId: string): Outcome<never> | undefined {
    const record = this.#state.stored?.record;
    if (record === undefined || !this.#mayReport(caller, runId)) return notFound("run");
    const isOwn = caller.role === "run";
    return isOwn || canReadRuns(caller, record.definition) ? undefined : runsRefused;
  }

  /** Refuses like {@link #refuseUserRun}, for a repeated run of a fan-out's user, which is in the job's own log. */
  #refuseOthers(caller: Caller, { userId }: Run): Outcome<never> | undefined {
    return userId === undefined || this.#mayRead(caller) ? undefined : runsRefused;
  }

  /** Whether the caller may see the contents of users' runs. A run's own token opens no other run. */
  #mayRead(caller: Caller): boolean {
    const record = this.#state.stored?.record;
    return caller.role === "run" || (record !== undefined && canReadRuns(caller, record.definition));
  }

  /** A run after a report on it, as the caller may see it. */
  #shown(caller: Caller, run: RunView): RunView {
    return run.user_id === undefined || this.#mayRead(caller) ? run : reportedView(run);
  }

  #mayReport(caller: Caller, runId: string): boolean {
    const record = this.#state.stored?.record;
    if (record === undefined || record.deletedAt !== undefined) return false;
    return canReport(caller, { ...record.definition, id: record.id }, runId);
  }

  /** Changes a user's run of a fan-out, which lives in a shard. */
  async #changeUserRun(caller: Caller, runId: string, change: RunChange): Promise<Outcome<RunView>> {
    if (!this.#mayReport(caller, runId)) return notFound("run");
    const changed = await this.#userRuns.changeRun(runId, change);
    return changed.ok ? ok(this.#shown(caller, changed.value)) : changed;
  }

  #changeRun(
    caller: Caller,
    runId: string,
    decide: (state: TickState, run: Run, now: number) => RunChanged,
    isRepeat: (run: Run) => boolean,
  ): Outcome<RunView> {
    const seen = this.#reportable(caller, runId);
    if (!seen.ok) return seen;
    const { run, state } = seen.value;
    if (!isActive(run)) {
      if (isRepeat(run)) return ok(this.#shown(caller, runView(state.record.id, run)));
      return err({ kind: "run_already_finished", status: run.status });
    }
    const { current } = this.#state;
    if (current === undefined) return notFound("run");
    const change = decide(current, run, Date.now());
    this.#state.commit(change);
    return ok(this.#shown(caller, runView(state.record.id, change.run)));
  }
}

const isUserRun = (runId: string): boolean => parseUserRunId(runId) !== undefined;
