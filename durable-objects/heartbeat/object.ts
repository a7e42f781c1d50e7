/**
 * One heartbeat (docs/contract.md §8): the only writer of its configuration, document, log and alarm. The object has the
 * heartbeat's name. A tick or a request only records a beat, and the alarm runs it, so no caller waits for a model. The
 * stored row, not memory, says whether a beat is in progress. So two beats never run at once, and a beat that a kill
 * interrupted is found and ended.
 */
import { DurableObject } from "cloudflare:workers";
import { noteEvents } from "../../src/directory/events.ts";
import { invalid, notFound, type Outcome } from "../../src/domain/failure.ts";
import {
  type Beat,
  beatView,
  failed,
  failureOf,
  foldIdle,
  idleBeat,
  interrupted,
  isInProgress,
  type NewBeat,
  queueBeat,
  repeated,
  withoutRetry,
} from "../../src/domain/heartbeat/beat.ts";
import {
  compileStored,
  configure,
  type DueSlot,
  defineHeartbeat,
  dueSlot,
  type HeartbeatRecord,
  heartbeatView,
  idleBecause,
  nextWakeAt,
} from "../../src/domain/heartbeat/heartbeat.ts";
import { pageOf } from "../../src/domain/page.ts";
import { ok } from "../../src/domain/result.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { intervalTasks } from "../../src/hooks/tasks.ts";
import { logError } from "../../src/log.ts";
import { acceptNotifiers, maskNotifier } from "../../src/notify/config.ts";
import { type HeartbeatRpc, TASKS } from "../../src/objects/heartbeat.ts";
import { reasonOf } from "../../src/outbound/exchange.ts";
import type { Beat as BeatView, Heartbeat, HeartbeatInput } from "../../src/schema/heartbeat.ts";
import { MINUTE_MS } from "../../src/schema/limits.ts";
import { Alarm } from "../shared/alarm.ts";
import { beatIo } from "./beat-io.ts";
import { runBeat } from "./beat-run.ts";
import { HeartbeatStore, type StoredHeartbeat } from "./store.ts";
import { TaskLoop } from "./task-loop.ts";

/** The delay after which the platform has given an alarm up. */
const OVERDUE_MS = MINUTE_MS;
const TELL_AGAIN_MS = MINUTE_MS;

/**
 * The loop of code's interval tasks. It lives as long as the isolate, like the registered tasks, even while its object
 * sleeps.
 */
const tasks = new TaskLoop(intervalTasks, (task, reason) => logError("A code task failed", { task, reason }));

export class HeartbeatObject extends DurableObject<Env> implements HeartbeatRpc {
  readonly #store: HeartbeatStore;
  readonly #alarm: Alarm;
  /** The beat that this instance is running. A beat in progress that is not this one was left by another instance. */
  #running: { readonly id: string; readonly abort: AbortController } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new HeartbeatStore(ctx.storage.sql);
    this.#alarm = new Alarm(ctx.storage);
  }

  /** Creates the heartbeat or replaces its configuration. Document and log stay. A masked secret keeps the stored value. */
  async configure(
    input: HeartbeatInput,
  ): Promise<Outcome<{ readonly heartbeat: Heartbeat; readonly created: boolean }>> {
    const current = this.#store.load();
    const configured = this.#configure(input, current, current?.record.codeVersion);
    if (!configured.ok) return configured;
    return ok({ heartbeat: this.#view(this.#store.load(), Date.now(), true), created: current === undefined });
  }

  /** Applies the configuration in code, once for each of its versions. An operator's later changes stay. */
  async ensure(input: HeartbeatInput, version: string): Promise<Outcome<null>> {
    const current = this.#store.load();
    return current?.record.codeVersion === version ? ok(null) : this.#configure(input, current, version);
  }

  #configure(
    input: HeartbeatInput,
    current: StoredHeartbeat | undefined,
    codeVersion: string | undefined,
  ): Outcome<null> {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("A heartbeat's object is got by name");
    const now = Date.now();
    const defined = defineHeartbeat(input, name);
    const stored = current?.record.config.notify ?? [];
    const notify = acceptNotifiers(input.notify ?? [], stored, { allowLoopbackHttp: this.#settings.LOCAL });
    if (!notify.ok) {
      const others = !defined.ok && defined.error.kind === "validation_failed" ? defined.error.errors : [];
      return invalid([...others, ...notify.error]);
    }
    if (!defined.ok) return defined;
    const config = { ...defined.value.config, ...(input.notify === undefined ? {} : { notify: notify.value }) };
    this.#store.putRecord({ ...configure(name, config, now, current), codeVersion });
    this.#arm();
    return ok(null);
  }

  async read(whole: boolean): Promise<Outcome<Heartbeat>> {
    return this.#with((loaded, now) => ok(this.#view(loaded, now, whole)));
  }

  /** Erases the heartbeat with its document and log. A beat in progress is given up. */
  async erase(): Promise<Outcome<null>> {
    const loaded = this.#store.load();
    if (loaded === undefined) return missing();
    this.#running?.abort.abort();
    this.#running = undefined;
    const erased = this.ctx.storage.deleteAll();
    this.#alarm.taken();
    await erased;
    return ok(null);
  }

  /** HEARTBEAT.md, or "" if it was never written. */
  async document(): Promise<Outcome<string>> {
    return this.#with(() => ok(this.#store.document()));
  }

  /** Stores the document. The caller has checked that `markdown` is at most 64 KiB. */
  async writeDocument(markdown: string): Promise<Outcome<null>> {
    return this.#with((_loaded, now) => {
      this.#store.putDocument(markdown, now);
      return ok(null);
    });
  }

  /** The log, newest first. `next` is the `before` of the following page, if there is one. */
  async beats(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: BeatView[]; readonly next?: number }>> {
    return this.#with(() => {
      const beats = this.#store.beats({ limit: query.limit + 1, beforeSeq: query.before });
      const page = pageOf(beats, query.limit, ({ seq }) => seq);
      return ok({ ...page, items: page.items.map(beatView) });
    });
  }

  /**
   * Records a manual beat, which ignores the active hours. While a beat is in progress, that one's id is the answer, since
   * two never overlap.
   */
  async beatNow(): Promise<Outcome<{ readonly beat_id: string }>> {
    return this.#with((_seen, now) => {
      const loaded = this.#settle(now);
      if (loaded === undefined) return missing();
      const { record, newest, handledAt } = loaded;
      if (newest !== undefined && isInProgress(newest)) return ok({ beat_id: newest.id });
      const seq = (newest?.seq ?? 0) + 1;
      const id = `${record.name}-m${now}_${seq}`;
      const beat = this.#begin(loaded, { id, seq, trigger: "manual", dueAt: now, handledAt }, now, now);
      this.#arm();
      return ok({ beat_id: beat.id });
    });
  }

  /**
   * Handles the tick of each minute. It records a beat if one is due at `tickAt` (epoch ms) and none is in progress, and
   * answers its id without waiting for it. Calling it again for the same due time does nothing.
   */
  async beatIfDue(tickAt: number): Promise<Outcome<{ readonly beat_id?: string }>> {
    const now = Date.now();
    const loaded = this.#settle(now);
    if (loaded === undefined) return missing();
    if (this.#settings.MODE === "stopped") return ok({});
    const { record, newest, handledAt } = loaded;
    const slot = dueSlot(compileStored(record.config).everyMs, handledAt, tickAt);
    const busy = newest !== undefined && isInProgress(newest);
    if (busy || slot === undefined) {
      // The platform gives up on an alarm after its retries, so the tick sets it again.
      if (this.#running === undefined && (await this.ctx.storage.getAlarm()) === null) {
        this.#alarm.doubt();
        this.#arm(this.#store.owed().length > 0 ? now : undefined);
      }
      return ok({});
    }
    const beat = this.#begin(loaded, scheduledBeat(record.name, newest, slot), now, tickAt);
    this.#arm();
    return ok({ beat_id: beat.id });
  }

  /** Runs the recorded beat, repeats one that failed for a passing reason, or begins one between two ticks. */
  override async alarm(): Promise<void> {
    this.#alarm.taken();
    const now = Date.now();
    if (this.ctx.id.name === TASKS) return this.#runTasks(now);
    const loaded = this.#settle(now);
    if (loaded === undefined) return;
    const beat = this.#nextToRun(loaded, now);
    if (beat !== undefined) await this.#run(beat, loaded.record);
    const areReported = await this.#tellFailures(loaded.record.name);
    this.#arm(areReported ? undefined : Date.now() + TELL_AGAIN_MS);
  }

  /**
   * Reports failed beats to the directory. They are recorded as owed with the beat, sent, and then noted as sent. After a
   * crash in between they are sent again under the same ids. False if the directory could not be reached.
   */
  async #tellFailures(name: string): Promise<boolean> {
    const owed = this.#store.load() === undefined ? [] : this.#store.owed();
    const last = owed.at(-1);
    if (last === undefined) return true;
    try {
      const failures = owed.map((beat) => failureOf(name, beat));
      await noteEvents(
        this.env,
        failures.map((failure) => ({ ...failure, type: "heartbeat.failed" })),
      );
      if (this.#store.load() !== undefined) this.#store.settleOwed(last.seq);
      return true;
    } catch (error) {
      logError("A heartbeat's failure could not be told; trying again in a minute", { heartbeat: name }, error);
      return false;
    }
  }

  /** Keeps code's interval tasks going (docs/contract.md §10). Only the object named {@link TASKS} is asked for this. */
  async tendTasks(): Promise<void> {
    const now = Date.now();
    const alarmAt = await this.ctx.storage.getAlarm();
    const isOverdue = alarmAt !== null && alarmAt < now - OVERDUE_MS;
    if (alarmAt !== null && !isOverdue) return;
    this.#alarm.doubt();
    this.#runTasks(now);
  }

  #runTasks(now: number): void {
    if (this.#settings.MODE === "stopped") return;
    const nextAt = tasks.run(now);
    if (nextAt !== undefined) this.#alarm.set(nextAt);
  }

  async #run(beat: Beat, record: HeartbeatRecord): Promise<void> {
    const running = { id: beat.id, abort: new AbortController() };
    this.#running = running;
    const io = beatIo(this.env, this.#store, record.config, running.abort.signal);
    const heartbeat = compileStored(record.config);
    const subject = { name: record.name, heartbeat, document: this.#store.document() };
    try {
      await runBeat(beat, subject, io);
    } catch (error) {
      // Either there is a bug, which ends the beat, or storage fails. Then `record` fails too, and the platform retries.
      const reached = this.#store.load()?.newest ?? beat;
      io.record(failed(reached, `internal error: ${reasonOf(error)}`, Date.now()));
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }

  /** The beat that the alarm must run. Undefined if there is none, or a gate has ended it. */
  #nextToRun(loaded: StoredHeartbeat, now: number): Beat | undefined {
    const { record, newest, handledAt } = loaded;
    if (newest?.phase === "queued") return newest;
    const { everyMs } = compileStored(record.config);
    const isStopped = this.#settings.MODE === "stopped";
    const slot = isStopped ? undefined : dueSlot(everyMs, handledAt, now);
    if (newest?.retryAt !== undefined && now >= newest.retryAt) {
      if (!isStopped && slot === undefined) return this.#repeat(loaded, newest, now);
      this.#store.putBeat(withoutRetry(newest));
    }
    const isOurs =
      slot !== undefined && (nextWakeAt(compileStored(record.config), undefined, handledAt, now) ?? now + 1) <= now;
    if (!isOurs) return undefined;
    const beat = this.#begin(this.#store.load() ?? loaded, scheduledBeat(record.name, newest, slot), now, now);
    return isInProgress(beat) ? beat : undefined;
  }

  #repeat(loaded: StoredHeartbeat, { id, seq, dueAt }: Beat, now: number): Beat | undefined {
    const { handledAt } = loaded;
    const repeat: NewBeat = { id: `${id}-r`, seq: seq + 1, trigger: "schedule", dueAt, handledAt, retryOf: id };
    const beat = this.#begin(loaded, repeat, now, now);
    return isInProgress(beat) ? beat : undefined;
  }

  /** Sets the alarm to the object's next wake, but no later than `by`. A running beat arms it at its end. */
  #arm(by = Number.POSITIVE_INFINITY): void {
    const loaded = this.#running === undefined ? this.#store.load() : undefined;
    if (loaded === undefined) return;
    const { record, newest, handledAt } = loaded;
    // When the mode changes back, the tick arms the object.
    const isHeld = this.#settings.MODE === "stopped" && newest?.phase !== "queued";
    const beatAt = isHeld ? undefined : nextWakeAt(compileStored(record.config), newest, handledAt, Date.now());
    const wakeAt = Math.min(by, beatAt ?? by);
    if (Number.isFinite(wakeAt)) this.#alarm.set(wakeAt);
  }

  /** Records a new beat. If a gate ends it, it is ended at once, else it is queued. `at` is the time for the gates. */
  #begin(loaded: StoredHeartbeat, next: NewBeat, now: number, at: number): Beat {
    const { record, newest } = loaded;
    // A new beat replaces a repeat that is still to come.
    if (newest?.retryAt !== undefined) {
      this.#store.putBeat(next.retryOf === newest.id ? repeated(newest) : withoutRetry(newest));
    }
    const document = this.#store.document();
    const idle = idleBecause(compileStored(record.config), { trigger: next.trigger, at, document });
    if (idle === undefined) {
      const queued = queueBeat(next, now);
      this.#store.putBeat(queued);
      return queued;
    }
    const ended = idleBeat(next, idle, now);
    const entry = foldIdle(newest, ended) ?? ended;
    this.#store.putBeat(entry);
    return entry;
  }

  /** The stored state, after ending a beat that no living call holds. A queued beat stays, since the alarm will run it. */
  #settle(now: number): StoredHeartbeat | undefined {
    const loaded = this.#store.load();
    const beat = loaded?.newest;
    if (loaded === undefined || beat === undefined || !isInProgress(beat)) return loaded;
    if (beat.phase === "queued" || beat.id === this.#running?.id) return loaded;
    const ended = interrupted(beat, compileStored(loaded.record.config).everyMs, now);
    this.#store.putBeat(ended);
    this.#arm(now);
    return { ...loaded, newest: ended };
  }

  #with<T>(answer: (loaded: StoredHeartbeat, now: number) => Outcome<T>): Outcome<T> {
    const loaded = this.#store.load();
    return loaded === undefined ? missing() : answer(loaded, Date.now());
  }

  #view(loaded: StoredHeartbeat | undefined, now: number, whole: boolean): Heartbeat {
    if (loaded === undefined) throw new Error("A heartbeat was stored and is not there");
    const { record, newest, handledAt } = loaded;
    const { notify, ...config } = record.config;
    const shown = {
      ...config,
      ...(notify === undefined ? {} : { notify: notify.map((one) => maskNotifier(one, whole)) }),
    };
    return heartbeatView(record, shown, newest, handledAt, now);
  }

  get #settings() {
    return settingsOf(this.env);
  }
}

/** The beat that answers a due time. */
const scheduledBeat = (name: string, newest: Beat | undefined, { dueAt, missed }: DueSlot): NewBeat => ({
  id: `${name}-s${dueAt}`,
  seq: (newest?.seq ?? 0) + 1,
  trigger: "schedule",
  dueAt,
  missed,
  handledAt: dueAt,
});

const missing = () => notFound("heartbeat");
