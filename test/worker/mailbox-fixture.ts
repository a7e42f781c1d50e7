/** The fixture of mailbox tests: an agent without an address, its jobs, claims, and a socket that records its frames. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { ADMIN_TOKEN, call, env, fresh, type Got, jobInput, ORIGIN, type Sent } from "./http-fixture.ts";

/** A registered agent without an address. */
export async function makeAgent(): Promise<string> {
  const id = fresh("pull");
  const put = await call("PUT", `/v1/agents/${id}`, { json: { delivery: "pull" } });
  expect(put).toMatchObject({ status: 201, body: { id, delivery: "pull", connected: 0, waiting: 0 } });
  return id;
}

/** Creates a job of the agent and returns its id. */
export async function makeJobOf(agentId: string, fields: Record<string, unknown> = {}): Promise<string> {
  const made = await call("POST", "/v1/jobs", { json: jobInput({ agent_id: agentId, ...fields }) });
  expect(made.status).toBe(201);
  return String(made.body.id);
}

/** Runs the job now, waits until its run is offered, and returns the run's id. */
export async function offer(jobId: string): Promise<string> {
  const { body } = await call("POST", `/v1/jobs/${jobId}/run`);
  const runId = String(body.run_id);
  await vi.waitFor(async () => expect(await runOf(jobId, runId)).toHaveProperty("offered_at"));
  return runId;
}

export const runOf = async (jobId: string, runId: string): Promise<Record<string, unknown>> =>
  (await call("GET", `/v1/jobs/${jobId}/runs/${runId}`)).body;

export const claim = (agentId: string, json: Record<string, unknown> = {}, sent: Sent = {}): Promise<Got> =>
  call("POST", `/v1/agents/${agentId}/claim`, { json, ...sent });

type Item = { readonly data: { readonly run: Record<string, unknown>; readonly complete: { readonly token: string } } };
export const itemsOf = (got: Got): readonly Item[] => got.body.items as readonly Item[];
export const runIds = (got: Got): unknown[] => itemsOf(got).map(({ data }) => data.run.id);

/** Sets the clock to the job's next alarm and runs the alarm. */
export async function ringJob(jobId: string): Promise<void> {
  const stub = env.JOB.getByName(jobId);
  const at = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm());
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Math.max(at ?? 0, Date.now()));
  try {
    await runDurableObjectAlarm(stub);
  } finally {
    vi.useRealTimers();
  }
}

export type Frame = Record<string, unknown> & { readonly type: string; readonly data?: Item["data"] };

/** An open socket of the agent, and the frames that it has received. */
export async function connect(agentId: string, token = ADMIN_TOKEN) {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}/v1/agents/${agentId}/connect`, {
      headers: { upgrade: "websocket", "sec-websocket-protocol": "reveille.v1", authorization: `Bearer ${token}` },
    }),
  );
  const socket = response.webSocket;
  if (socket === null) return { refused: response.status } as const;
  const frames: Frame[] = [];
  const closes: number[] = [];
  socket.addEventListener("message", ({ data }) => {
    frames.push(String(data).startsWith("{") ? JSON.parse(String(data)) : { type: String(data) });
  });
  socket.addEventListener("close", ({ code }) => {
    closes.push(code);
  });
  socket.accept();
  return {
    protocol: response.headers.get("sec-websocket-protocol"),
    frames,
    closes,
    send: (frame: object | string) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    close: () => socket.close(1000, "bye"),
    runs: () => frames.filter(({ type }) => type === "job.run").map(({ data }) => data?.run ?? {}),
    /** Waits for the frame number `count`, counted from 1. */
    async heard(count: number): Promise<Frame> {
      await vi.waitFor(() => expect(frames.length).toBeGreaterThanOrEqual(count));
      const frame = frames[count - 1];
      if (frame === undefined) throw new Error("The frame is not there");
      return frame;
    },
  };
}

/** Calls {@link connect}, which must succeed. */
export async function connected(agentId: string, token?: string) {
  const socket = await connect(agentId, token);
  if ("refused" in socket) throw new Error(`The socket was refused with ${socket.refused}`);
  return socket;
}
