/**
 * Telemetry of runs, where it is asked for: spans to OTLP_URL, data points to the binding RUN_ANALYTICS (docs/operations.md). It
 * listens to what is recorded and never changes it: what cannot be sent is dropped, and no run waits for it or fails by it.
 */
import { ok } from "../domain/result.ts";
import { isActive, type Run } from "../domain/run/run.ts";
import { type Env, settingsOf } from "../env.ts";
import { logError } from "../log.ts";
import { CallBudget } from "../outbound/call-budget.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import type { Fetch } from "../outbound/exchange.ts";
import { release } from "../outbound/output.ts";
import { request } from "../outbound/request.ts";
import { MINUTE_MS, SECOND_MS } from "../schema/limits.ts";
import { type DataPoint, dataPointOf } from "./data-point.ts";
import { readHeaders, traceBody, tracesUrl } from "./otlp.ts";
import { type Span, spansOf, type TracedJob } from "./spans.ts";

/** Spans of one post, and those that wait for it; of more, the oldest are dropped. */
const MAX_SPANS_A_POST = 500;
const MAX_WAITING = 2_000;
/** The platform takes 250 data points of one invocation. */
const MAX_POINTS = 250;
const POST_TIMEOUT_MS = 5 * SECOND_MS;

export type TelemetryIo = {
  /** Where spans go; undefined: nowhere. */
  readonly post?: ((body: string) => Promise<string | undefined>) | undefined;
  readonly dataset?: { writeDataPoint(point: DataPoint): void } | undefined;
  /** Keeps the object awake for what is being sent. */
  readonly waitUntil: (sending: Promise<void>) => void;
  readonly now: () => number;
  readonly report: (message: string) => void;
};

export class Telemetry {
  readonly #io: TelemetryIo;
  #waiting: Span[] = [];
  #points = 0;
  /** The calls of the wake that is under way. */
  #budget: CallBudget | undefined;
  #sending: Promise<void> | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(io: TelemetryIo) {
    this.#io = io;
  }

  /** An alarm has rung: until {@link slept} each post is one of its calls. Answers the same budget. */
  woke(budget: CallBudget): CallBudget {
    this.#budget = budget;
    this.#points = 0;
    this.#send();
    return budget;
  }

  /** The alarm has ended. */
  slept(): void {
    this.#budget = undefined;
    this.#points = 0;
  }

  /** Runs were recorded; those that have ended are told. Fires held in a row, which are one run written again, are told once. */
  recorded(job: TracedJob, runs: readonly Run[]): void {
    const { post, dataset } = this.#io;
    if (post === undefined && dataset === undefined) return;
    for (const run of runs) {
      if (isActive(run) || (run.count ?? 1) > 1) continue;
      if (dataset !== undefined && this.#points++ < MAX_POINTS) this.#write(dataset, dataPointOf(job, run));
      if (post !== undefined && run.status !== "skipped") this.#waiting.push(...spansOf(job, run));
    }
    if (this.#waiting.length > MAX_WAITING) this.#waiting = this.#waiting.slice(-MAX_WAITING);
    this.#send();
  }

  #write(dataset: NonNullable<TelemetryIo["dataset"]>, point: DataPoint): void {
    try {
      dataset.writeDataPoint(point);
    } catch (error) {
      this.#report(`A data point could not be written: ${String(error)}`);
    }
  }

  #send(): void {
    const { post, waitUntil } = this.#io;
    if (post === undefined || this.#waiting.length === 0 || this.#sending !== undefined) return;
    this.#sending = this.#sendAll(post).finally(() => {
      this.#sending = undefined;
    });
    waitUntil(this.#sending);
  }

  /** The records of the time of a post go with the next. Without a call left, it waits for the next alarm. */
  async #sendAll(post: NonNullable<TelemetryIo["post"]>): Promise<void> {
    const alone = new CallBudget(1);
    // All that one commit has recorded goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && (this.#budget ?? alone).take()) {
      const spans = this.#waiting.splice(0, MAX_SPANS_A_POST);
      const trouble = await post(traceBody(spans));
      if (trouble !== undefined) this.#report(`Spans of runs were dropped: ${trouble}`);
    }
  }

  #report(message: string): void {
    const now = this.#io.now();
    if (now - this.#reportedAt < MINUTE_MS) return;
    this.#reportedAt = now;
    this.#io.report(message);
  }
}

/** The telemetry of one object, as the settings and bindings have it. */
export function telemetryOf(env: Env, ctx: Pick<DurableObjectState, "waitUntil">): Telemetry {
  return new Telemetry({
    post: postTo(env),
    dataset: env.RUN_ANALYTICS,
    waitUntil: (sending) => ctx.waitUntil(sending),
    now: () => Date.now(),
    report: (message) => logError(message, {}),
  });
}

/**
 * Returns the function that posts a body to the collector. Undefined if `OTLP_URL` is not set. The function's result is the
 * failure, without the collector's URL.
 */
function postTo(env: Env): TelemetryIo["post"] {
  const { OTLP_URL, OTLP_HEADERS, LOCAL } = settingsOf(env);
  if (OTLP_URL === undefined) return undefined;
  const { NETWORK: network } = env;
  const outgoing: Fetch = network === undefined ? fetch : (url, init) => network.fetch(url, init);
  const endpoint = checkEndpoint(OTLP_URL, { allowLoopbackHttp: LOCAL });
  if (!endpoint.ok) return async () => `OTLP_URL: ${endpoint.error}`;
  const headers = readHeaders(OTLP_HEADERS);
  const call = { receiver: "the collector", url: tracesUrl(OTLP_URL), headers, secrets: Object.values(headers) };
  return async (body) => {
    const sent = await request({ ...call, body, timeoutMs: POST_TIMEOUT_MS }, { fetch: outgoing }, async (response) => {
      release(response.body);
      return ok(undefined);
    });
    return sent.ok ? undefined : sent.error.reason;
  };
}
