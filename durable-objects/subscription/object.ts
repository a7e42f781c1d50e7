/**
 * One subscription (docs/contract.md §18), and every message on its way. A message is recorded for each target before it is
 * sent. So each target gets it at least once, independently of the others.
 */

import { DurableObject } from "cloudflare:workers";
import { compact } from "../../src/domain/compact.ts";
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import { invalid, notFound, type Outcome } from "../../src/domain/failure.ts";
import { pageOf } from "../../src/domain/page.ts";
import { ok } from "../../src/domain/result.ts";
import { deliveryView, sendAgain } from "../../src/domain/subscription/delivery.ts";
import { decideTelling, isAbout } from "../../src/domain/subscription/match.ts";
import type { StoredSubscription } from "../../src/domain/subscription/subscription.ts";
import { parseDuration } from "../../src/domain/time/duration.ts";
import { formatInstant } from "../../src/domain/time/instant.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import { mapLimit } from "../../src/map-limit.ts";
import { acceptTargets, keyOfTarget, maskTarget, showTarget, tellTarget } from "../../src/notify/targets.ts";
import type { SubscriptionRpc } from "../../src/objects/subscription.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/schema/limits.ts";
import type {
  Delivery as DeliveryView,
  Subscription,
  SubscriptionInput,
  Target,
  TestReport,
} from "../../src/schema/subscription.ts";
import { Alarm } from "../shared/alarm.ts";
import { makeSecret } from "../shared/secret.ts";
import { AT_ONCE, type SenderIo, sendDue } from "./sender.ts";
import { SubscriptionStore } from "./store.ts";

/** The pause between two looks at messages that are held by `MODE`. A question about them also causes a look. */
const HELD_LOOK_MS = MINUTE_MS;
const ALARM_RETRY_MS = MINUTE_MS;
/** The pause before the next look at messages for a target that another sender is busy with. */
const BUSY_LOOK_MS = 20 * SECOND_MS;
const MAX_COOLDOWN_MS = 365 * DAY_MS;

export class SubscriptionObject extends DurableObject<Env> implements SubscriptionRpc {
  #store: SubscriptionStore;
  readonly #alarm: Alarm;
  /** The targets that a message is being sent to. */
  readonly #busy = new Set<string>();
  #isSending = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new SubscriptionStore(ctx.storage.sql);
    this.#alarm = new Alarm(ctx.storage);
  }

  async configure(
    input: SubscriptionInput,
  ): Promise<Outcome<{ readonly subscription: Subscription; readonly created: boolean }>> {
    const { name: id } = this.ctx.id;
    if (id === undefined) throw new Error("A subscription's object is got by name");
    const now = Date.now();
    const before = this.#store.load();
    const rules = { allowLoopbackHttp: settingsOf(this.env).LOCAL, makeSecret };
    const accepted = acceptTargets(input.to, before?.config.to ?? [], rules);
    const cooldown = parseDuration(input.cooldown);
    const errors = accepted.ok ? [] : [...accepted.error];
    const wrong = cooldown.ok ? cooldownError(cooldown.value) : cooldown.error;
    if (wrong !== undefined) errors.push({ path: "cooldown", message: wrong });
    if (!accepted.ok || errors.length > 0) return invalid(errors);
    const config = { ...input, to: [...accepted.value.targets] };
    const stored = { id, config, createdAt: before?.createdAt ?? now, updatedAt: now };
    this.#store.save(stored);
    this.#store.dropOtherTargets(config.to.map(keyOfTarget));
    if (before !== undefined) this.#alarm.by(now);
    return ok({ subscription: { ...viewOf(stored), to: [...accepted.value.shown] }, created: before === undefined });
  }

  async read(): Promise<Outcome<Subscription>> {
    return this.#with((stored) => ok(viewOf(stored)));
  }

  async erase(): Promise<Outcome<null>> {
    if (this.#store.load() === undefined) return missing();
    const erased = this.ctx.storage.deleteAll();
    this.#store = new SubscriptionStore(this.ctx.storage.sql);
    this.#alarm.set(null);
    await erased;
    return ok(null);
  }

  async offer(events: readonly ReportedEvent[]): Promise<boolean> {
    const stored = this.#store.load();
    if (stored === undefined) return false;
    const now = Date.now();
    this.ctx.storage.transactionSync(() => {
      for (const event of events) this.#take(stored, event, now);
    });
    // An alarm that waits for a slow target rings again only after that target has answered.
    if (this.#isSending) this.ctx.waitUntil(this.#sendMeanwhile());
    return true;
  }

  async deliveries(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: DeliveryView[]; readonly next?: number }>> {
    return this.#with(({ config }) => {
      if (!this.#isHeld(config) && this.#store.hasHeld) this.#alarm.by(Date.now());
      const page = pageOf(this.#store.list(query.limit + 1, query.before), query.limit, ({ seq }) => seq);
      return ok({ ...page, items: page.items.map(deliveryView) });
    });
  }

  async retry(deliveryId: string): Promise<Outcome<DeliveryView>> {
    return this.#with(({ config }) => {
      const delivery = this.#store.find(deliveryId);
      if (delivery === undefined) return notFound("delivery");
      if (!config.to.some((target) => keyOfTarget(target) === delivery.target)) return invalid(TARGET_IS_GONE);
      const now = Date.now();
      const again = sendAgain(delivery, now);
      this.#store.put(again);
      this.#alarm.by(now);
      return ok(deliveryView(again));
    });
  }

  async sendExample(): Promise<Outcome<TestReport>> {
    const stored = this.#store.load();
    if (stored === undefined) return missing();
    const now = Date.now();
    const [type = "run.failed"] = stored.config.events;
    const message = `This is a test of the subscription "${stored.id}": its targets are told like this.`;
    const event: ReportedEvent = { id: `test_${stored.id}_${now}`, type, at: now, message };
    const results = await mapLimit(
      stored.config.to,
      async (target) => {
        const { result, status } = await this.#send(target, event);
        return {
          target: showTarget(target),
          ok: result.ok,
          ...compact({ status }),
          ...(result.ok ? {} : { error: result.error.reason }),
        };
      },
      AT_ONCE,
    );
    return ok({ results });
  }

  /** The alarm, which sends due messages and arms the next alarm. It does not throw (docs/architecture.md, invariant 3). */
  override async alarm(): Promise<void> {
    this.#alarm.taken();
    let next: number | undefined;
    try {
      next = await this.#deliver();
    } catch (error) {
      logError(
        "A subscription could not deliver; it tries again in a minute",
        { subscription: this.ctx.id.name },
        error,
      );
      next = Date.now() + ALARM_RETRY_MS;
    }
    this.#alarm.set(next ?? null);
  }

  /** Sends due messages, within the calls of one invocation. Returns when to continue (epoch ms), if ever. */
  async #deliver(): Promise<number | undefined> {
    const stored = this.#store.load();
    if (stored === undefined) return undefined;
    if (this.#isHeld(stored.config)) {
      this.#store.hold();
      return stored.config.enabled && this.#store.hasHeld ? Date.now() + HELD_LOOK_MS : undefined;
    }
    this.#store.release(Date.now());
    this.#isSending = true;
    try {
      await sendDue(this.#sender());
    } finally {
      this.#isSending = false;
    }
    const after = this.#store.load();
    if (after === undefined) return undefined;
    this.#store.trim(Date.now());
    return after.updatedAt === stored.updatedAt ? this.#continueAt() : Date.now();
  }

  /**
   * When to continue (epoch ms). The sender of a busy target sets the alarm itself. The alarm looks again later only, in case
   * a crash ends that sender.
   */
  #continueAt(): number | undefined {
    const now = Date.now();
    const next = this.#store.nextAt();
    if (next === undefined || next > now) return next;
    const isWanted = this.#store.dueTargets(now).some((target) => !this.#busy.has(target));
    return isWanted ? next : now + BUSY_LOOK_MS;
  }

  /**
   * Sends messages that came while an alarm is sending, to the targets that it does not wait for. The alarm is set for them
   * as well.
   */
  async #sendMeanwhile(): Promise<void> {
    try {
      await sendDue(this.#sender());
      const next = this.#store.load() === undefined ? undefined : this.#store.nextAt();
      if (next !== undefined) this.#alarm.by(next);
    } catch (error) {
      logError("A subscription could not send at once; its alarm does", { subscription: this.ctx.id.name }, error);
    }
  }

  #sender(): SenderIo {
    return {
      store: () => this.#store,
      send: (target, event) => this.#send(target, event),
      now: () => Date.now(),
      budget: new CallBudget(settingsOf(this.env).CALLS_PER_WAKE),
      busy: this.#busy,
    };
  }

  #isHeld({ enabled }: SubscriptionInput): boolean {
    return !enabled || settingsOf(this.env).MODE === "stopped";
  }

  #send(target: Target, event: ReportedEvent) {
    const { NETWORK: network } = this.env;
    const outgoing = network === undefined ? fetch : (url: string, init: RequestInit) => network.fetch(url, init);
    const rules = { allowLoopbackHttp: settingsOf(this.env).LOCAL };
    return tellTarget(target, event, { fetch: outgoing, now: () => Date.now() }, rules);
  }

  /** Records a message about the event for each target, if one is to be sent. Repeating it changes nothing. */
  #take({ config }: StoredSubscription, event: ReportedEvent, now: number): void {
    if (!isAbout(config, event) || this.#store.knows(event.id)) return;
    const cooldown = parseDuration(config.cooldown);
    const rules = { ...config, cooldownMs: cooldown.ok ? cooldown.value : 0 };
    const jobId = event.job?.id;
    const before = jobId === undefined ? undefined : this.#store.incident(jobId);
    const { tell, incident } = decideTelling(rules, before, event, now);
    if (!tell) return;
    if (jobId !== undefined && incident !== undefined) this.#store.putIncident(jobId, incident);
    this.#store.addMessage(event);
    config.to.forEach((target, index) => {
      this.#store.put({
        id: `${event.id}_${index + 1}`,
        eventId: event.id,
        eventType: event.type,
        target: keyOfTarget(target),
        shown: showTarget(target),
        status: "retrying",
        attempts: 0,
        createdAt: now,
        nextAt: now,
      });
    });
    this.#alarm.by(now);
  }

  #with<T>(answer: (stored: StoredSubscription) => Outcome<T>): Outcome<T> {
    const stored = this.#store.load();
    return stored === undefined ? missing() : answer(stored);
  }
}

const TARGET_IS_GONE = [
  { path: "delivery_id", message: "was for a target that the subscription no longer has: add it to `to` first" },
];

const cooldownError = (ms: number): string | undefined =>
  ms >= 0 && ms <= MAX_COOLDOWN_MS ? undefined : 'must be 0s to 365d, e.g. "1h"; "0s" tells of every failure';

const missing = () => notFound("subscription");

const viewOf = ({ id, config, createdAt, updatedAt }: StoredSubscription): Subscription => ({
  id,
  ...config,
  to: config.to.map(maskTarget),
  created_at: formatInstant(createdAt),
  updated_at: formatInstant(updatedAt),
});
