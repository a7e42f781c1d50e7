/** An agent that takes its runs from its mailbox (docs/contract.md §14, §21): what it says over its socket, and when. */
import { expect, it, vi } from "vitest";
import { type ConnectOptions, connectAgent } from "../../../src/agent-kit/connect-agent.ts";

type Sent = { readonly type: string; readonly run_id?: string } & Record<string, unknown>;
type Listener = (event: { data: unknown; code: number }) => void;

/** The sockets that were opened, newest last; each answers every frame about a run, and `drain`, with `ok`. */
class FakeSocket {
  static opened: FakeSocket[] = [];
  readonly sent: Sent[] = [];
  readonly #listeners = new Map<string, Listener[]>();
  constructor() {
    FakeSocket.opened.push(this);
    setTimeout(() => this.#emit("open", {}));
  }
  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  #emit(type: string, event: { data?: unknown; code?: number }): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data: event.data, code: event.code ?? 0 });
  }
  send(text: string): void {
    const frame: Sent = JSON.parse(text);
    this.sent.push(frame);
    const { type, run_id } = frame;
    if (type !== "ready") this.hear({ type: "ok", to: type, ...(run_id === undefined ? {} : { run_id }) });
  }
  close(): void {
    this.drop(1000);
  }
  hear(frame: object): void {
    setTimeout(() => this.#emit("message", { data: JSON.stringify(frame) }));
  }
  hand(id: string): void {
    const complete = { url: `https://r.example/v1/jobs/j/runs/${id}/complete`, token: "t" };
    this.hear({ type: "job.run", data: { run: { id, job_id: "j" }, job: { name: "job" }, complete } });
  }
  drop(code: number): void {
    setTimeout(() => this.#emit("close", { code }));
  }
  said(type: string): Sent[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** Work that ends when it is told to. */
function begin(options: Partial<ConnectOptions> = {}) {
  FakeSocket.opened = [];
  const working = new Map<string, (output: string) => void>();
  const connection = connectAgent({
    url: "https://r.example",
    token: "token",
    agent: "laptop",
    onRun: ({ id }) => new Promise((resolve) => working.set(id, resolve)),
    fetch: async () => new Response("{}"),
    WebSocket: FakeSocket,
    ...options,
  });
  const socket = (number: number): Promise<FakeSocket> =>
    vi.waitFor(
      () => {
        const opened = FakeSocket.opened[number - 1];
        if (opened === undefined) throw new Error(`The socket number ${number} is not open`);
        return opened;
      },
      { timeout: 3_000 },
    );
  return { connection, working, socket };
}

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 3_000 });

it("asks for as many runs as it can work on, less the runs still in progress after a reconnect", async () => {
  const { connection, working, socket } = begin({ concurrency: 2 });
  const first = await socket(1);
  await until(() => expect(first.said("ready")).toMatchObject([{ capacity: 2 }]));
  first.hand("r1");
  await until(() => expect(working.size).toBe(1));
  first.drop(1006);
  const second = await socket(2);
  await until(() => expect(second.said("ready")).toMatchObject([{ capacity: 1 }]));
  working.get("r1")?.("done");
  await until(() => expect(second.said("ready")).toMatchObject([{ capacity: 1 }, { capacity: 2 }]));
  expect(second.said("complete")).toMatchObject([{ run_id: "r1", output: "done" }]);
  await connection.drain();
});

it("asks for no run while it is full with runs from before a reconnect", async () => {
  const { connection, working, socket } = begin();
  const first = await socket(1);
  first.hand("r1");
  await until(() => expect(working.size).toBe(1));
  first.drop(1012);
  const second = await socket(2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(second.said("ready")).toEqual([]);
  working.get("r1")?.("done");
  await until(() => expect(second.said("ready")).toMatchObject([{ capacity: 1 }]));
  await connection.drain();
});

it("drained, it gives late runs back and closes after its current runs are reported", async () => {
  const { connection, working, socket } = begin({ concurrency: 2 });
  const only = await socket(1);
  only.hand("r1");
  await until(() => expect(working.size).toBe(1));
  only.hand("r2");
  const closed = connection.drain();
  await until(() => expect(only.said("release")).toMatchObject([{ run_id: "r2" }]));
  expect(only.said("drain")).toHaveLength(1);
  working.get("r1")?.("done");
  await closed;
  expect([...working.keys()]).toEqual(["r1"]);
  expect(only.said("complete")).toMatchObject([{ run_id: "r1" }]);
});

it("releasing, it drains before it gives runs back and does not wait for code that ignores its signal", async () => {
  const { connection, working, socket } = begin();
  const only = await socket(1);
  only.hand("r1");
  await until(() => expect(working.size).toBe(1));
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    const released = connection.release();
    await vi.advanceTimersByTimeAsync(20_000);
    await released;
  } finally {
    vi.useRealTimers();
  }
  expect(only.sent.map(({ type }) => type)).toEqual(["ready", "drain", "release"]);
});

it("without a socket it gives runs back over HTTP, with the run's own token", async () => {
  const asked: { readonly url: string; readonly token: string | undefined }[] = [];
  const call = {
    type: "job.run",
    data: {
      run: { id: "r1", job_id: "j" },
      job: {},
      complete: { url: "https://r.example/v1/jobs/j/runs/r1/complete", token: "own" },
    },
  };
  const { connection } = begin({
    token: "no/protocol=",
    onRun: ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    fetch: async (url, init) => {
      asked.push({ url, token: new Headers(init.headers).get("authorization") ?? undefined });
      if (!url.endsWith("/claim")) return new Response("{}");
      if (asked.length > 1)
        return new Promise((_resolve, reject) =>
          init.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
        );
      return Response.json({ items: [call] });
    },
  });
  await until(() => expect(asked.length).toBe(1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await connection.release();
  expect(asked.at(-1)).toEqual({ url: "https://r.example/v1/jobs/j/runs/r1/release", token: "Bearer own" });
});

it("makes the mailbox that is missing before it opens a socket, and opens none where it is refused", async () => {
  const asked: string[] = [];
  const events: string[] = [];
  const { connection, socket } = begin({
    onEvent: ({ kind }) => events.push(kind),
    fetch: async (url, { method }) => {
      asked.push(`${method} ${new URL(url).pathname}`);
      return new Response("{}", { status: method === "GET" ? 404 : 201 });
    },
  });
  await until(() => expect(events).toEqual(["connected"]));
  expect(asked).toEqual(["GET /v1/agents/laptop/connect", "PUT /v1/agents/laptop"]);
  await socket(1);
  await connection.drain();

  const refused = begin({ fetch: async () => Response.json({ code: "forbidden", detail: "no" }, { status: 403 }) });
  await expect(refused.connection.closed).rejects.toThrow("no");
  expect(FakeSocket.opened).toEqual([]);
});
