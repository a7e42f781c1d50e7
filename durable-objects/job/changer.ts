/**
 * Changes of a job's definition or state by clients. Each is decided, signed for the audit trail, recorded, and sent to the
 * directory.
 */
import { type Author, authorOf } from "../../src/domain/audit.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import type { Caller } from "../../src/domain/job/access.ts";
import { jobView } from "../../src/domain/job/job.ts";
import { type JobChange, needsQuota } from "../../src/domain/job/job-change.ts";
import { signChange, withPendingAudit } from "../../src/domain/job/signed-change.ts";
import { ok } from "../../src/domain/result.ts";
import type { TickState } from "../../src/domain/run/tick.ts";
import { TIMED_ID_BYTES, timedId } from "../../src/domain/timed-id.ts";
import { allowanceOf, type Env, settingsOf } from "../../src/env.ts";
import type { Job } from "../../src/schema/job.ts";
import type { JobListing } from "./listing.ts";
import { changeableJob, type JobState, runnableJob } from "./state.ts";

export class JobChanger {
  readonly #env: Env;
  readonly #state: JobState;
  readonly #listing: JobListing;

  constructor(env: Env, state: JobState, listing: JobListing) {
    this.#env = env;
    this.#state = state;
    this.#listing = listing;
  }

  /**
   * Changes the job first and the directory second, before the change is acknowledged. If the change makes the job count
   * for an owner again, the directory must admit it first.
   */
  async change(
    caller: Caller,
    action: string,
    decide: (state: TickState, now: number) => Outcome<JobChange>,
    by: Author = authorOf(caller),
  ): Promise<Outcome<Job>> {
    await this.#listing.settled();
    const settings = settingsOf(this.#env);
    const minIntervalMs = caller.role === "admin" ? undefined : settings.MIN_INTERVAL;
    const signature = { by, action, auditId: newAuditId(Date.now()), minIntervalMs };
    const decided = (): Outcome<JobChange> => {
      const seen = changeableJob(this.#state, caller);
      if (!seen.ok) return seen;
      const now = Date.now();
      const change = decide(seen.value, now);
      return change.ok ? signChange(seen.value.record, change.value, signature, now) : change;
    };
    const before = this.#state.current;
    const change = decided();
    if (!change.ok) return change;
    if (before !== undefined && needsQuota(before.record, change.value)) {
      const entered = await this.#listing.enter(decided, allowanceOf(settings, caller));
      if (!entered.ok) return entered;
    } else {
      const { record, cursor, runs } = change.value;
      if (record !== undefined || cursor !== undefined || runs !== undefined) this.#state.commit(change.value);
      await this.#listing.index();
    }
    const state = this.#state.current;
    return state === undefined ? notFound("job") : ok(jobView(state.record, state.cursor, Date.now()));
  }

  /** Gives the job a trigger token or takes it away. The job keeps the token's hash. The definition and its ETag stay. */
  async setTriggerToken(caller: Caller, hash: string | undefined): Promise<Outcome<null>> {
    await this.#listing.settled();
    const seen = hash === undefined ? changeableJob(this.#state, caller) : runnableJob(this.#state, caller);
    if (!seen.ok) return seen;
    const { triggerTokenHash: before, ...record } = seen.value.record;
    if (hash === before) return ok(null);
    const now = Date.now();
    const action = hash === undefined ? "trigger_token.delete" : "trigger_token.create";
    const pendingAudit = withPendingAudit(record, {
      ...authorOf(caller),
      id: newAuditId(now),
      at: now,
      action,
      target: record.id,
    });
    const changed = { ...record, pendingAudit };
    this.#state.commit({ record: hash === undefined ? changed : { ...changed, triggerTokenHash: hash } });
    await this.#listing.index();
    return ok(null);
  }
}

export const newAuditId = (now: number): string =>
  timedId("a", now, crypto.getRandomValues(new Uint8Array(TIMED_ID_BYTES)));
