/**
 * One heartbeat (CONTRACT.md §8): the only writer of its configuration, document, log and alarm. The object is named by the
 * heartbeat's name. A tick or a request only records a beat; the alarm runs it, so that nobody waits for a model. The stored
 * row, not memory, says whether a beat is in progress: two never run at once, and one that a kill left behind is found and ended.
 */
import { DurableObject } from "cloudflare:workers";
import { invalid, notFound, type Outcome } from "../../src/domain/failure.ts";
import {
  type Beat,
  beatView,
  failed,
  foldIdle,
  idleBeat,
  interrupted,
  isInProgress,
  type NewBeat,
  queueBeat,
  withoutRetry,
} from "../../src/domain/heartbeat/beat.ts";
import {
  compileStored,
  configure,
  defineHeartbeat,
  dueSlot,
  type HeartbeatRecord,
  heartbeatView,
  idleBecause,
} from "../../src/domain/heartbeat/heartbeat.ts";
import { ok } from "../../src/domain/result.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { askChat, signingSecret } from "../../src/heartbeat/chat.ts";
import { heartbeatHooks } from "../../src/hooks/heartbeat.ts";
import { acceptNotifiers, maskNotifier } from "../../src/notify/config.ts";
import { type NotifyTarget, notifyAll } from "../../src/notify/notify.ts";
import type { HeartbeatRpc } from "../../src/objects/heartbeat.ts";
import { messageOf } from "../../src/outbound/exchange.ts";
import type { Beat as BeatView, Heartbeat, HeartbeatConfig, HeartbeatInput } from "../../src/schema/heartbeat.ts";
import { type BeatIo, runBeat } from "./beat-run.ts";
import { HeartbeatStore, type StoredHeartbeat } from "./store.ts";

export class HeartbeatObject extends DurableObject<Env> implements HeartbeatRpc {
  readonly #store: HeartbeatStore;
  /** The beat that this instance is running; a beat in progress without it was left behind by another. */
  #running: { readonly id: string; readonly abort: AbortController } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new HeartbeatStore(ctx.storage.sql);
  }

  /** Makes the heartbeat or replaces its configuration; document and log stay. Masked secrets keep what is stored. */
  async configure(
    input: HeartbeatInput,
  ): Promise<Outcome<{ readonly heartbeat: Heartbeat; readonly created: boolean }>> {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("A heartbeat's object is got by name");
    const now = Date.now();
    const current = this.#store.load();
    const defined = defineHeartbeat(input, name);
    const stored = current?.record.config.notify ?? [];
    const notify = acceptNotifiers(input.notify ?? [], stored, { allowLoopbackHttp: this.#settings.LOCAL });
    if (!notify.ok) {
      const others = !defined.ok && defined.error.kind === "validation_failed" ? defined.error.errors : [];
      return invalid([...others, ...notify.error]);
    }
    if (!defined.ok) return defined;
    const config = { ...defined.value.config, ...(input.notify === undefined ? {} : { notify: notify.value }) };
    this.#store.putRecord(configure(name, config, now, current));
    return ok({ heartbeat: this.#view(this.#store.load(), now), created: current === undefined });
  }

  async read(): Promise<Outcome<Heartbeat>> {
    return this.#with((loaded, now) => ok(this.#view(loaded, now)));
  }

  /** Erases the heartbeat with its document and log; a beat in progress is given up. */
  async erase(): Promise<Outcome<null>> {
    const loaded = this.#store.load();
    if (loaded === undefined) return missing();
    this.#running?.abort.abort();
    this.#running = undefined;
    await this.ctx.storage.deleteAll();
    return ok(null);
  }

  /** HEARTBEAT.md; "" where it was never written. */
  async document(): Promise<Outcome<string>> {
    return this.#with(() => ok(this.#store.document()));
  }

  /** `markdown` of at most 64 KiB, which the caller has checked. */
  async writeDocument(markdown: string): Promise<Outcome<null>> {
    return this.#with((_loaded, now) => {
      this.#store.putDocument(markdown, now);
      return ok(null);
    });
  }

  /** The log, newest first; `next` is the `before` of the page that follows, where there is one. */
  async beats(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: BeatView[]; readonly next?: number }>> {
    return this.#with(() => {
      const beats = this.#store.beats({ limit: query.limit + 1, beforeSeq: query.before });
      const page = beats.slice(0, query.limit);
      const last = page.at(-1);
      const more = beats.length > page.length && last !== undefined;
      return ok({ items: page.map(beatView), ...(more ? { next: last.seq } : {}) });
    });
  }

  /** A beat by hand, whatever the active hours. While one is in progress that one's id is the answer: two never overlap. */
  async beatNow(): Promise<Outcome<{ readonly beat_id: string }>> {
    return this.#with((_seen, now) => {
      const loaded = this.#settle(now);
      if (loaded === undefined) return missing();
      const { record, newest, handledAt } = loaded;
      if (newest !== undefined && isInProgress(newest)) return ok({ beat_id: newest.id });
      const seq = (newest?.seq ?? 0) + 1;
      const beat = this.#beginSoon(
        loaded,
        { id: `${record.name}-m${now}_${seq}`, seq, trigger: "manual", dueAt: now, handledAt },
        now,
      );
      return ok({ beat_id: beat.id });
    });
  }

  /**
   * The tick's call, each minute. Records a beat if one is due at `tickAt` (epoch ms) and none is in progress, and answers its
   * id without waiting for it. Called again for the same due time it does nothing.
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
      await this.#rearm(newest);
      return ok({});
    }
    const seq = (newest?.seq ?? 0) + 1;
    const { dueAt, missed } = slot;
    const next: NewBeat = { id: `${record.name}-s${dueAt}`, seq, trigger: "schedule", dueAt, missed, handledAt: dueAt };
    return ok({ beat_id: this.#beginSoon(loaded, next, now, tickAt).id });
  }

  /** Runs the beat that was recorded, or repeats the one that failed for a passing reason. */
  override async alarm(): Promise<void> {
    const loaded = this.#settle(Date.now());
    const beat = loaded === undefined ? undefined : this.#nextToRun(loaded, Date.now());
    if (loaded === undefined || beat === undefined) return;
    const running = { id: beat.id, abort: new AbortController() };
    this.#running = running;
    const io = this.#ioOf(loaded.record, running.abort.signal);
    const heartbeat = compileStored(loaded.record.config);
    const subject = { name: loaded.record.name, heartbeat, document: this.#store.document() };
    try {
      await runBeat(beat, subject, io);
    } catch (error) {
      // A bug, or storage that fails: the first ends the beat, the second shows again in `record` and is the platform's to retry.
      const reached = this.#store.load()?.newest ?? beat;
      io.record(failed(reached, `internal error: ${messageOf(error)}`, Date.now()));
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }

  /** The beat that the alarm is for: queued, or a repeat that is due. Arms for a repeat that is not due yet. */
  #nextToRun(loaded: StoredHeartbeat, now: number): Beat | undefined {
    const { record, newest, handledAt } = loaded;
    if (newest === undefined) return undefined;
    if (newest.phase === "queued") return newest;
    if (newest.retryAt === undefined) return undefined;
    if (now < newest.retryAt) {
      void this.ctx.storage.setAlarm(newest.retryAt);
      return undefined;
    }
    const isOver = now >= newest.dueAt + compileStored(record.config).everyMs;
    if (isOver || this.#settings.MODE === "stopped") {
      this.#store.putBeat(withoutRetry(newest));
      return undefined;
    }
    const { id, dueAt } = newest;
    const repeat: NewBeat = { id: `${id}-r`, seq: newest.seq + 1, trigger: "schedule", dueAt, handledAt, retryOf: id };
    const beat = this.#begin(loaded, repeat, now, now);
    return isInProgress(beat) ? beat : undefined;
  }

  /** Records a new beat and wakes the alarm for it, unless a gate has ended it. */
  #beginSoon(loaded: StoredHeartbeat, next: NewBeat, now: number, at = now): Beat {
    const beat = this.#begin(loaded, next, now, at);
    if (isInProgress(beat)) void this.ctx.storage.setAlarm(now);
    return beat;
  }

  /** Records a new beat: ended at once where a gate ends it, else queued. `at` is the time that the gates go by. */
  #begin(loaded: StoredHeartbeat, next: NewBeat, now: number, at: number): Beat {
    const { record, newest } = loaded;
    // A new beat takes the place of a repeat that was still to come.
    if (newest?.retryAt !== undefined) this.#store.putBeat(withoutRetry(newest));
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

  /** The stored state, a beat that no living call holds ended first. A queued one is the alarm's and still to be run. */
  #settle(now: number): StoredHeartbeat | undefined {
    const loaded = this.#store.load();
    const beat = loaded?.newest;
    if (loaded === undefined || beat === undefined || !isInProgress(beat)) return loaded;
    if (beat.phase === "queued" || beat.id === this.#running?.id) return loaded;
    const ended = interrupted(beat, compileStored(loaded.record.config).everyMs, now);
    this.#keep(ended);
    return { ...loaded, newest: ended };
  }

  #keep(beat: Beat): void {
    this.#store.putBeat(beat);
    if (beat.retryAt !== undefined) void this.ctx.storage.setAlarm(beat.retryAt);
  }

  /** The platform gives up on an alarm after its retries; the tick does not. */
  async #rearm(newest: Beat | undefined): Promise<void> {
    const wakeAt = newest?.phase === "queued" ? newest.startedAt : newest?.retryAt;
    if (wakeAt === undefined || this.#running !== undefined) return;
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(wakeAt);
  }

  #ioOf({ config }: HeartbeatRecord, signal: AbortSignal): BeatIo {
    const settings = this.#settings;
    const hooks = heartbeatHooks();
    const now = (): number => Date.now();
    return {
      now,
      ask: (request) => askChat(this.env, settings, request, { now, signal, chat: hooks.chat }),
      notify: async (notification) => {
        const secret = await signingSecret(this.env, settings, config.agent_id);
        const rules = { secret, allowLoopbackHttp: settings.LOCAL };
        return notifyAll(this.#targetsOf(config), notification, rules, { fetch, now, signal });
      },
      record: (beat) => {
        if (signal.aborted) return false;
        this.#keep(beat);
        return true;
      },
    };
  }

  /** Those of the heartbeat itself; else the function in code; else NOTIFY_URL. */
  #targetsOf(config: HeartbeatConfig): NotifyTarget[] {
    if (config.notify !== undefined) return config.notify;
    const { notify } = heartbeatHooks();
    if (notify !== undefined) return [{ type: "code", notify }];
    const url = this.#settings.NOTIFY_URL;
    return url === undefined ? [] : [{ type: "webhook", url }];
  }

  #with<T>(answer: (loaded: StoredHeartbeat, now: number) => Outcome<T>): Outcome<T> {
    const loaded = this.#store.load();
    return loaded === undefined ? missing() : answer(loaded, Date.now());
  }

  #view(loaded: StoredHeartbeat | undefined, now: number): Heartbeat {
    if (loaded === undefined) throw new Error("A heartbeat was stored and is not there");
    const { record, newest, handledAt } = loaded;
    const { notify, ...config } = record.config;
    const shown = { ...config, ...(notify === undefined ? {} : { notify: notify.map(maskNotifier) }) };
    return heartbeatView(record, shown, newest, handledAt, now);
  }

  get #settings() {
    return settingsOf(this.env);
  }
}

const missing = () => notFound("heartbeat");
