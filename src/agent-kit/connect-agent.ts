/**
 * An agent without a URL. It takes its runs from its mailbox (docs/contract.md §14) over a socket, or by waiting calls if
 * no socket opens.
 */
import { messageOf } from "../domain/text/error-text.ts";
import { parseJson } from "../domain/text/parse-json.ts";
import { parseDuration } from "../domain/time/duration.ts";
import { HeldRuns } from "./held-runs.ts";
import type { Fetch } from "./report.ts";
import { isObject, type OnRun, type RunCall, runCallOf } from "./run.ts";
import { fitsProtocol, type MailboxSocket, openSocket, type SocketClass } from "./socket.ts";
import { pause } from "./wait.ts";

export type ConnectOptions = {
  /** The deployment: "https://reveille.example.com". */
  readonly url: string;
  /** The operator's token, or one of role `agent` for this agent. */
  readonly token: string;
  /** The agent's id. If it has no mailbox yet, it gets one. */
  readonly agent: string;
  readonly onRun: OnRun;
  /** The number of runs that are worked on at a time, 1 to 100. Default 1. */
  readonly concurrency?: number;
  /**
   * The time for which a run stays this agent's without a sign of life, 10s to 1h. It is renewed automatically. Default
   * "1m".
   */
  readonly lease?: string;
  /** Called for every connection made or lost, and for reports that did not arrive. Default: nothing. */
  readonly onEvent?: (event: ConnectionEvent) => void;
  readonly fetch?: Fetch;
  /** The WebSocket class. Default: the runtime's own. Without one, runs are fetched by waiting calls. */
  readonly WebSocket?: SocketClass;
};

export type ConnectionEvent =
  | { readonly kind: "connected" | "working"; readonly message: string }
  | { readonly kind: "disconnected" | "report_lost"; readonly message: string };

export type Connection = {
  /** Resolves when the connection has ended as requested. Rejects if it cannot continue (token ended, agent deleted). */
  readonly closed: Promise<void>;
  /** Takes no further run, lets running work end, then closes. */
  drain(): Promise<void>;
  /** Gives the current runs back, to be done elsewhere, and closes at once. Their signals are aborted. */
  release(): Promise<void>;
};

/** The error of a connection that cannot continue. `problem` is the API's, if there is one. */
export class ConnectionRefused extends Error {
  readonly problem: Readonly<Record<string, unknown>> | undefined;
  constructor(message: string, problem?: Readonly<Record<string, unknown>>) {
    super(message);
    this.problem = problem;
  }
}

const MAX_CONCURRENCY = 100;
const MAX_CLAIM = 10;
const CLAIM_WAIT = "25s";
const CLAIM_LIMIT_MS = 40_000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
const MIN_LEASE_MS = 10_000;
const MAX_LEASE_MS = 3_600_000;
const TOO_MANY = 429;
const TOKEN_ENDED = 4401;
const AGENT_DELETED = 4404;
/** The time within which a closing socket counts as refused. */
const SOON_MS = 5_000;

/** Connects, and stays connected until it is told to end. Throws if an option is malformed. */
export function connectAgent(options: ConnectOptions): Connection {
  const connection = new MailboxConnection(options);
  const closed = connection.live();
  // A rejection that nobody handles must not count as unhandled.
  closed.catch(() => undefined);
  return {
    closed,
    async drain() {
      connection.end();
      await closed;
    },
    async release() {
      await connection.release();
      await closed;
    },
  };
}

/** One life of a socket, or of a series of waiting calls. */
type Life = { readonly hasLasted: boolean };

class MailboxConnection {
  readonly #options: ConnectOptions;
  readonly #concurrency: number;
  readonly #lease: string;
  readonly #home: string;
  readonly #fetch: Fetch;
  readonly #runs: HeldRuns;
  readonly #claims = new AbortController();
  #socket: MailboxSocket | undefined;
  /** The runs that were taken before this socket was opened. Its mailbox does not count them. */
  #older = new Set<string>();
  #onFreed: () => void = () => undefined;
  /** Whether the last socket has shown that the agent has a mailbox, and that the token opens it. */
  #isKnown = false;

  constructor(options: ConnectOptions) {
    const { concurrency = 1, lease = "1m", fetch: fetchIt = (url, init) => fetch(url, init) } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
      throw new TypeError(`concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`);
    }
    this.#options = options;
    this.#concurrency = concurrency;
    this.#lease = lease;
    this.#fetch = fetchIt;
    this.#home = `${options.url.replace(/\/+$/, "")}/v1/agents/${encodeURIComponent(options.agent)}`;
    this.#runs = new HeldRuns({
      onRun: options.onRun,
      leaseMs: leaseOf(lease),
      fetch: fetchIt,
      socket: () => this.#socket,
      onTaken: ({ data }) => this.#tell("working", `the run ${data.run.id} of ${data.job.name}`),
      onFreed: (runId) => {
        this.#onFreed();
        const wasOlder = this.#older.delete(runId);
        if (this.#isEnding) void this.#leaveWhenIdle();
        else if (wasOlder) this.#sayReady();
      },
      onLost: ({ data }, why) => this.#tell("report_lost", `the run ${data.run.id}: ${why}`),
    });
  }

  get #isEnding(): boolean {
    return this.#claims.signal.aborted;
  }

  /** Stays connected until {@link end}, and then until the current work has ended. Rejects if it cannot continue. */
  async live(): Promise<void> {
    const { WebSocket: given, token } = this.#options;
    const runtimes = typeof WebSocket === "function" ? WebSocket : undefined;
    const Socket = fitsProtocol(token) ? (given ?? runtimes) : undefined;
    let backoff = FIRST_BACKOFF_MS;
    while (!this.#isEnding) {
      let hasLasted = false;
      try {
        ({ hasLasted } = Socket === undefined ? await this.#overCalls() : await this.#overSocket(Socket));
      } catch (error) {
        if (error instanceof ConnectionRefused) throw error;
        if (!this.#isEnding) this.#tell("disconnected", `${messageOf(error)}; connecting again`);
      }
      if (hasLasted) backoff = FIRST_BACKOFF_MS;
      await this.#untilEndOr(pause(backoff * (0.75 + Math.random() / 2)));
      backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
    }
    await this.#runs.allReported();
  }

  /** Takes no further run. The socket stays open for the current runs. */
  end(): void {
    this.#claims.abort();
    this.#onFreed();
    void this.#leaveWhenIdle();
  }

  /** Closes the socket if there is no work and nothing more can come. */
  async #leaveWhenIdle(): Promise<void> {
    const socket = this.#socket;
    await socket?.drain();
    if (this.#runs.count > 0) return;
    await this.#runs.allReported();
    socket?.close();
  }

  /** Asks for as many runs as there is room for beside the older ones. */
  #sayReady(): void {
    const capacity = this.#concurrency - this.#older.size;
    if (capacity > 0) this.#socket?.ready(capacity, this.#lease);
  }

  /** Gives the current runs back, and ends. */
  async release(): Promise<void> {
    this.#claims.abort();
    this.#onFreed();
    await this.#runs.giveBack();
    this.#socket?.close();
  }

  #tell(kind: ConnectionEvent["kind"], message: string): void {
    this.#options.onEvent?.({ kind, message });
  }

  async #untilEndOr(other: Promise<void>): Promise<void> {
    const { signal } = this.#claims;
    if (signal.aborted) return;
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([ended, other]);
  }

  /** Resolves when the socket has closed and another may be tried. */
  async #overSocket(Socket: SocketClass): Promise<Life> {
    const { agent, token } = this.#options;
    // A refused socket closes at once and does not say why. The same address answers the reason without a socket.
    if (!this.#isKnown) await this.#learnWhy(await this.#call("/connect", { method: "GET" }));
    if (this.#isEnding) return { hasLasted: false };
    const url = `${this.#home.replace(/^http/, "ws")}/connect`;
    let openedAt = Number.POSITIVE_INFINITY;
    const onOpen = (opened: MailboxSocket): void => {
      openedAt = Date.now();
      this.#socket = opened;
      this.#tell("connected", `to the mailbox of ${agent}`);
      this.#older = new Set(this.#runs.ids);
      this.#sayReady();
    };
    const onRun = (call: RunCall): void => {
      // This run was on its way when we asked for no more.
      if (this.#isEnding) this.#runs.turnAway(call);
      else this.#runs.take(call);
    };
    const socket = openSocket({ url, token, Socket, onOpen, onRun });
    // If the socket is not open yet at the end, it is not waited for.
    const { signal } = this.#claims;
    const close = (): void => {
      if (this.#socket === undefined) socket.close();
    };
    signal.addEventListener("abort", close, { once: true });
    const { code, wasOpened } = await socket.closed;
    signal.removeEventListener("abort", close);
    this.#socket = undefined;
    if (this.#isEnding) return { hasLasted: wasOpened };
    if (code === TOKEN_ENDED) throw new ConnectionRefused("The token has expired or was revoked.");
    const hasLasted = wasOpened && Date.now() - openedAt > SOON_MS;
    this.#isKnown = hasLasted;
    if (code === AGENT_DELETED && hasLasted)
      throw new ConnectionRefused(`The agent ${agent} was deleted, or is called at a URL now.`);
    this.#tell("disconnected", `the mailbox of ${agent} (${code}); connecting again`);
    return { hasLasted };
  }

  /** Takes runs by waiting calls. Resolves when a call has failed and another may be tried. */
  async #overCalls(): Promise<Life> {
    let hasLasted = false;
    while (!this.#isEnding) {
      const free = this.#concurrency - this.#runs.count;
      if (free <= 0) {
        await this.#untilEndOr(
          new Promise((resolve) => {
            this.#onFreed = resolve;
          }),
        );
        continue;
      }
      // The first call does not wait: its answer shows that we are connected.
      const body = JSON.stringify({
        wait: hasLasted ? CLAIM_WAIT : "0s",
        limit: Math.min(free, MAX_CLAIM),
        lease: this.#lease,
      });
      const signal = AbortSignal.any([this.#claims.signal, AbortSignal.timeout(CLAIM_LIMIT_MS)]);
      const response = await this.#call("/claim", { method: "POST", body, signal });
      if (!response.ok) {
        await this.#learnWhy(response);
        break;
      }
      if (!hasLasted) this.#tell("connected", `to the mailbox of ${this.#options.agent}, by waiting calls`);
      hasLasted = true;
      const answer: unknown = await response.json();
      const items: readonly unknown[] = isObject(answer) && Array.isArray(answer.items) ? answer.items : [];
      for (const call of items.map(runCallOf)) if (call !== undefined) this.#runs.take(call);
    }
    return { hasLasted };
  }

  #call(path: string, init: RequestInit): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#options.token}`, "content-type": "application/json" };
    return this.#fetch(this.#home + path, { ...init, headers });
  }

  /** Registers the agent with a mailbox. Throws if that is refused. */
  async #makeMailbox(): Promise<void> {
    const made = await this.#call("", { method: "PUT", body: JSON.stringify({ delivery: "pull" }) });
    if (made.ok) return void (await made.body?.cancel());
    if (made.status < 500 && made.status !== TOO_MANY) throw await refusalOf(made);
  }

  /** Registers the agent if its mailbox is missing. Throws if trying again would not help. */
  async #learnWhy(response: Response): Promise<void> {
    const refused = await refusalOf(response);
    if (response.status === 404) await this.#makeMailbox();
    if ([401, 403, 409].includes(response.status)) throw refused;
  }
}

async function refusalOf(response: Response): Promise<ConnectionRefused> {
  const problem = parseJson(await response.text());
  if (!isObject(problem)) return new ConnectionRefused(`Reveille answered ${response.status}`);
  return new ConnectionRefused(typeof problem.detail === "string" ? problem.detail : String(problem.code), problem);
}

function leaseOf(lease: string): number {
  const read = parseDuration(lease);
  if (!read.ok) throw new TypeError(`lease: ${read.error}`);
  if (read.value < MIN_LEASE_MS || read.value > MAX_LEASE_MS) throw new TypeError("lease must be 10s to 1h");
  return read.value;
}
