/**
 * The questions about a job: its state, its export, its forecast, and why it did or did not run. Nothing is written here.
 */
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import { ADMIN, type Caller, canReadRuns } from "../../src/domain/job/access.ts";
import { explain } from "../../src/domain/job/explain.ts";
import { explanationView } from "../../src/domain/job/explanation.ts";
import { type ForecastWindow, forecastJob } from "../../src/domain/job/forecast.ts";
import { jobView } from "../../src/domain/job/job.ts";
import { OVERDUE_AFTER_MS } from "../../src/domain/limits/sweep.ts";
import { ok } from "../../src/domain/result.ts";
import { exportView } from "../../src/domain/transfer/restored-job.ts";
import { type Env, heldBecause, settingsOf } from "../../src/env.ts";
import { mailboxObject } from "../../src/objects/mailbox.ts";
import type { Explanation } from "../../src/schema/explanation.ts";
import type { JobForecast } from "../../src/schema/forecast.ts";
import type { Job } from "../../src/schema/job.ts";
import type { ExportedJob } from "../../src/schema/job-export.ts";
import { FAN_OUT_RETENTION } from "../../src/schema/limits.ts";
import { type JobState, visibleJob, visibleRecord } from "./state.ts";

export class JobReader {
  readonly #env: Env;
  readonly #state: JobState;
  /** The time in ms for which the earliest timer has been due. Undefined if none is. */
  readonly #overdueMs: (now: number) => number | undefined;

  constructor(env: Env, state: JobState, overdueMs: (now: number) => number | undefined) {
    this.#env = env;
    this.#state = state;
    this.#overdueMs = overdueMs;
  }

  async read(caller: Caller): Promise<Outcome<Job>> {
    const seen = visibleRecord(this.#state, caller);
    if (!seen.ok) return seen;
    const now = Date.now();
    const isOverdue = (this.#overdueMs(now) ?? 0) > OVERDUE_AFTER_MS;
    const { record, cursor, active, fanOut } = seen.value;
    const running = active.length + (fanOut === undefined ? 0 : 1);
    return ok({ ...jobView(record, cursor, now, isOverdue), ...(running === 0 ? {} : { running }) });
  }

  /** The job with the further fields that an import needs. */
  async exported(): Promise<Outcome<ExportedJob>> {
    const seen = visibleRecord(this.#state, ADMIN);
    return seen.ok ? ok(exportView(seen.value.record, seen.value.cursor, Date.now())) : seen;
  }

  /** The job, with its fires and their cost in a future window. */
  async forecast(window: ForecastWindow): Promise<Outcome<{ readonly job: Job; readonly answer: JobForecast }>> {
    const [job, seen] = [await this.read(ADMIN), visibleJob(this.#state, ADMIN)];
    if (!job.ok || !seen.ok) return job.ok ? notFound("job") : job;
    const lastFanOut = this.#state.fanOuts.list(2).find(({ status }) => status !== "running");
    const state = { ...seen.value, usersPerFire: lastFanOut?.counts.total };
    return ok({ job: job.value, answer: forecastJob(state, window, Date.now()) });
  }

  /** Why the job did or did not run at a time (epoch ms; default: now). */
  async explain(caller: Caller, at?: number): Promise<Outcome<Explanation>> {
    const connected = await this.#connected(caller);
    const seen = visibleJob(this.#state, caller);
    if (!seen.ok) return seen;
    const state = seen.value;
    const settings = settingsOf(this.#env);
    const now = Date.now();
    const whole = this.#state.store.runs({ limit: settings.RUN_RETENTION });
    // Repeated runs of a fan-out's users are in the job's own log, but belong to these users.
    const log = canReadRuns(caller, state.record.definition) ? whole : whole.filter((run) => !run.userId);
    const held = heldBecause(settings, state.record.definition.exec_scope);
    const asked = at ?? now;
    const fanOuts = this.#state.fanOuts.list(FAN_OUT_RETENTION);
    const retention = settings.RUN_RETENTION;
    const explained = explain(state, log, { at: asked, now, held, fanOuts, connected, retention });
    return ok(explanationView(state, asked, explained));
  }

  /** The number of open sockets at the mailbox that holds a run of this job. Undefined if there is no such run. */
  async #connected(caller: Caller): Promise<number | undefined> {
    const seen = visibleRecord(this.#state, caller);
    const offered = seen.ok ? seen.value.active.find(({ phase }) => phase === "offered") : undefined;
    if (offered?.offeredTo === undefined) return undefined;
    try {
      return (await mailboxObject(this.#env, offered.offeredTo).status()).connected;
    } catch {
      return undefined;
    }
  }
}
