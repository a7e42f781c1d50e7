/**
 * One turn of a fan-out's shard, decided purely. It sorts the shard's users, runs and calls into those to call, skip,
 * settle and give up. The shell (durable-objects/fan-out/loop.ts) records and calls. A call is recorded when it ends, not
 * before it is made. So after a crash the calls in flight are made again, under the same run ids.
 */
import { compact } from "../compact.ts";
import type { AttemptOutcome } from "../run/attempt-outcome.ts";
import { addSpend, dayOf, type Spend, type Spent, usedUp } from "../run/budget.ts";
import { type GateVerdict, mayStart, type Start } from "../run/gate.ts";
import {
  beginAttempt,
  cancelRun,
  hasDeadline,
  interruptAttempt,
  isActive,
  type Run,
  type RunRules,
  settleAttempt,
  settleOverdue,
  skipRun,
} from "../run/run.ts";
import { keyOfUserRun } from "../run/run-id.ts";
import { noteControl } from "../run/steer.ts";
import { nextCallAt } from "./shard.ts";
import { type FanOutSpec, startUserRun } from "./user-run.ts";

/**
 * The number of users handled in one turn that calls nobody (held, or given up). After that the object serves other calls.
 */
export const MAX_PER_TURN = 500;
/** The number of logged runs that one turn looks at. */
export const MAX_DUE_PER_TURN = 50;

/** A user who has no run yet; `key` is the last part of the run's id. */
export type QueuedUser = { readonly userId: string; readonly key: string };

/** A run whose call is in flight. `logged`: the log holds an earlier form of it. */
export type Flight = { readonly run: Run; readonly logged: boolean };

/** The state that a turn may look at. */
export type ShardState = {
  readonly spec: FanOutSpec;
  readonly rules: RunRules;
  /** The number of calls that may be in flight at once. */
  readonly concurrency: number;
  /** The least time between two calls in ms, and when the next one is allowed (epoch ms). */
  readonly interval: number;
  readonly nextCallAt: number;
  /** Calls of this process, by the user's key. */
  readonly flights: ReadonlyMap<string, Flight>;
  /** Logged runs that have not ended and whose time has come, earliest first. The list may be incomplete. */
  readonly due: readonly Run[];
  /** When the first logged run after those is due. */
  readonly nextWakeAt?: number | undefined;
  /** The users to run next, perhaps not all of them. `waiting` is the number of all. */
  readonly queued: readonly QueuedUser[];
  readonly waiting: number;
  /** The number of next users that are given up (`judgeRestart` of restart.ts). */
  readonly toGiveUp: number;
  /** The job's spend, including this fan-out's runs. It is kept for jobs with a budget. */
  readonly spent?: Spent | undefined;
};

export type TurnContext = {
  readonly now: number;
  /** In [0, 1): spreads backoffs. */
  readonly random: number;
  /** Answers that came in since the last turn, by the user's key. */
  readonly answers: ReadonlyMap<string, AttemptOutcome>;
  /** The number of calls that this invocation may still make. */
  readonly callsLeft: number;
  /** Why no further user is called (`MODE`, `USER_JOBS`), if that is so. */
  readonly held?: string | undefined;
};

/**
 * A run to log. `before` is the state that the log holds, if any. `user` is the entry of `queued` that this run uses up.
 */
export type LoggedChange = { readonly run: Run; readonly before?: Run | undefined; readonly user?: QueuedUser };

export type Turn = {
  /** Runs that an answer, a deadline or an interruption has changed. */
  readonly settle: readonly LoggedChange[];
  /** Runs to call now. A run with `before` is logged first. The run of a new user is logged when it ends. */
  readonly call: readonly LoggedChange[];
  readonly skip: readonly LoggedChange[];
  readonly giveUp: readonly LoggedChange[];
  /** An agent answered 410, with this reason. */
  readonly agentGone?: string;
  readonly nextCallAt: number;
  readonly spent?: Spent | undefined;
  /** No further call may be made in this invocation, although there is one to make. */
  readonly outOfCalls: boolean;
  /** There is more to do at once. */
  readonly again: boolean;
  /** When the next turn is needed even if no call ends before (epoch ms, or infinity). */
  readonly nextAt: number;
};

/** Decides what happens at `now`. Deterministic in its arguments. */
export function decideTurn(state: ShardState, context: TurnContext): Turn {
  const draft = new Draft(state, context);
  draft.settleAnswers();
  draft.settleDue();
  draft.callRetries();
  draft.beginUsers();
  return draft.turn();
}

/** The time of the next turn that no ending call announces (epoch ms, or infinity). */
export function nextTurnAt(state: ShardState, now: number): number {
  const { due, flights, waiting, concurrency, nextCallAt, nextWakeAt = Number.POSITIVE_INFINITY } = state;
  const open = due.filter((run) => !flights.has(keyOfUserRun(run.id)));
  if (open.some(({ phase }) => phase !== "pending")) return now;
  const hasCalls = flights.size < concurrency && waiting + open.length > 0;
  return Math.min(hasCalls ? Math.max(now, nextCallAt) : Number.POSITIVE_INFINITY, nextWakeAt);
}

class Draft {
  readonly #state: ShardState;
  readonly #context: TurnContext;
  readonly #settle: LoggedChange[] = [];
  readonly #call: LoggedChange[] = [];
  readonly #skip: LoggedChange[] = [];
  readonly #giveUp: LoggedChange[] = [];
  #agentGone: string | undefined;
  #inFlight: number;
  #callsLeft: number;
  #nextCallAt: number;
  #spent: Spent | undefined;
  #dealtWith = 0;
  #settledDue = 0;

  constructor(state: ShardState, context: TurnContext) {
    this.#state = state;
    this.#context = context;
    this.#inFlight = state.flights.size;
    this.#callsLeft = context.callsLeft;
    this.#nextCallAt = state.nextCallAt;
    this.#spent = state.spent;
  }

  settleAnswers(): void {
    const { now, random, answers } = this.#context;
    for (const [key, answer] of answers) {
      const flight = this.#state.flights.get(key);
      if (flight === undefined) continue;
      this.#inFlight--;
      const settled = settleAttempt(flight.run, answer, this.#state.rules, now, random);
      const steering = "steering" in answer ? answer.steering : undefined;
      const run = steering === undefined ? settled : noteControl(settled, steering);
      this.#spend({ usd: run.costUsd ?? 0, tokens: run.tokens ?? 0 });
      this.#settle.push({ run, before: flight.logged ? flight.run : undefined });
      if (answer.kind === "gone") this.#agentGone ??= answer.reason;
      // The platform counts calls too, and has refused this one.
      if (answer.kind === "postponed") this.#callsLeft = 0;
    }
  }

  /** Settles logged runs whose completion is overdue, and calls that no process holds any more. */
  settleDue(): void {
    const { now, random } = this.#context;
    for (const run of this.#state.due) {
      if (run.phase === "pending" || this.#isInFlight(run)) continue;
      const settle = hasDeadline(run) ? settleOverdue : interruptAttempt;
      const next = settle(run, this.#state.rules, now, random);
      this.#settle.push({ run: next, before: run });
      this.#settledDue++;
    }
  }

  callRetries(): void {
    for (const before of this.#retries()) {
      if (!this.#mayCall() || !this.#gate("retry").may) return;
      this.#begin({ run: beginAttempt(before), before });
    }
  }

  beginUsers(): void {
    const { spec, queued, toGiveUp } = this.#state;
    const { now } = this.#context;
    for (const user of queued) {
      if (this.#dealtWith >= MAX_PER_TURN) return;
      const isGivenUp = this.#giveUp.length < toGiveUp;
      const stopped = this.#stopped();
      if (stopped === undefined && !isGivenUp && (!this.#mayCall() || this.#awaitsCosts())) return;
      const run = startUserRun(spec, user.userId, user.key, now);
      this.#dealtWith++;
      if (stopped !== undefined) this.#skip.push({ run: skipRun(run, stopped, now), user });
      else if (isGivenUp) this.#giveUp.push({ run: cancelRun(run, now, KILLS), user });
      else {
        this.#spend({ runs: 1 });
        this.#begin({ run: beginAttempt(run), user });
      }
    }
  }

  /** Why the next user is not run, if that is so. The gate treats each user's run as a run of its own. */
  #stopped(): string | undefined {
    const gate = this.#gate("user");
    return gate.may ? undefined : gate.reason;
  }

  #gate(start: Start): GateVerdict {
    const { definition } = this.#state.spec;
    const { now, held } = this.#context;
    return mayStart(start, { record: { definition }, cursor: { spent: this.#spent }, held }, now);
  }

  /**
   * Whether the calls in flight must end before another user begins. They must if they would use up the budget, at the
   * average cost of the runs so far. Until the first run has ended, only one call is made.
   */
  #awaitsCosts(): boolean {
    const { budget, schedule } = this.#state.spec.definition;
    const spent = this.#spent;
    if (budget === undefined || spent === undefined || this.#inFlight === 0) return false;
    if (budget.usd_per_day === undefined && budget.usd_total === undefined && budget.tokens_per_day === undefined) {
      return false;
    }
    const { runs, usd, tokens } = spent.total;
    const ended = runs - this.#inFlight;
    if (ended <= 0) return true;
    const share = this.#inFlight / ended;
    const day = dayOf(schedule, this.#context.now);
    const expected = addSpend(spent, { usd: usd * share, tokens: tokens * share }, day);
    return usedUp({ ...budget, runs_per_day: undefined }, expected, day).length > 0;
  }

  #spend(more: Partial<Spend>): void {
    const { budget, schedule } = this.#state.spec.definition;
    if (budget !== undefined) this.#spent = addSpend(this.#spent, more, dayOf(schedule, this.#context.now));
  }

  turn(): Turn {
    const retries = this.#retries().length - this.#call.filter(({ before }) => before !== undefined).length;
    const users = this.#state.waiting - this.#dealtWith;
    const mayBegin = users > 0 && !this.#awaitsCosts();
    const mayGoOn = this.#inFlight < this.#state.concurrency && (retries > 0 || mayBegin);
    const free = this.#stopped() !== undefined || this.#giveUp.length < this.#state.toGiveUp;
    const again = this.#settledDue >= MAX_DUE_PER_TURN || (free && users > 0 && this.#dealtWith > 0);
    return {
      settle: this.#settle,
      call: this.#call,
      skip: this.#skip,
      giveUp: this.#giveUp,
      ...compact({ agentGone: this.#agentGone }),
      nextCallAt: this.#nextCallAt,
      spent: this.#spent,
      outOfCalls: this.#callsLeft === 0 && mayGoOn && this.#nextCallAt <= this.#context.now,
      again,
      nextAt: Math.min(
        mayGoOn ? Math.max(this.#context.now, this.#nextCallAt) : Number.POSITIVE_INFINITY,
        this.#state.nextWakeAt ?? Number.POSITIVE_INFINITY,
        ...this.#settle.map(({ run }) =>
          isActive(run) ? (run.wakeAt ?? this.#context.now) : Number.POSITIVE_INFINITY,
        ),
      ),
    };
  }

  #begin(change: LoggedChange): void {
    const { interval } = this.#state;
    this.#call.push(change);
    this.#inFlight++;
    this.#callsLeft--;
    if (interval > 0) this.#nextCallAt = nextCallAt(this.#nextCallAt, this.#context.now, interval);
  }

  #mayCall(): boolean {
    const hasRoom = this.#inFlight < this.#state.concurrency;
    return hasRoom && this.#callsLeft > 0 && this.#nextCallAt <= this.#context.now;
  }

  #retries(): Run[] {
    return this.#state.due.filter((run) => run.phase === "pending" && !this.#isInFlight(run));
  }

  #isInFlight(run: Run): boolean {
    return this.#state.flights.has(keyOfUserRun(run.id));
  }
}

const KILLS =
  "interrupted again and again: the scheduler did not survive calling the agent for this user and those beside";
