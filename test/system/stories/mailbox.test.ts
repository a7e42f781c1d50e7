/**
 * Agents without an address under load and SIGKILL: sockets and polls of two agents claim the users of two fan-outs, and runs of
 * single jobs, at once. Each run is handed out to one agent at a time and ends once. None is lost, and none is handed out after its end.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import * as z from "zod";
import { bySize } from "../../size.ts";
import { allRuns, fanOutNow, makeAllUsersJob, untilEnded } from "../fan-out-client.ts";
import { atEnd, eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";
import { pagesOf, startUsersServer } from "../users-server.ts";

const AGENTS = ["north", "south"];
const USERS = bySize(100, 500);
const SOCKETS = 10;
const POLLERS = 10;
const KILLS = bySize(2, 10);
const JOBS = bySize(30, 300);

const Body = z.looseObject({
  type: z.string(),
  run_id: z.string().optional(),
  data: z
    .looseObject({
      run: z.looseObject({ id: z.string(), job_id: z.string(), attempt: z.number(), offered_at: z.string() }),
      complete: z.looseObject({ url: z.string(), token: z.string() }),
    })
    .optional(),
});
const Items = z.object({ items: z.array(Body) });
type Handed = { readonly id: string; readonly attempt: number; readonly latencyMs: number };

/** The runs that the agents have got, and those that they know to be complete. */
class Ledger {
  readonly handed: Handed[] = [];
  readonly completed = new Set<string>();
  readonly afterEnd: string[] = [];

  take({ data }: z.infer<typeof Body>): void {
    if (data === undefined) return;
    const { id, attempt, offered_at } = data.run;
    if (this.completed.has(id)) this.afterEnd.push(id);
    this.handed.push({ id, attempt, latencyMs: Date.now() - Date.parse(offered_at) });
  }
}

it("each claim is handed out once, under kills of every process", { timeout: 300_000 }, async () => {
  const users = Array.from({ length: USERS }, (_, i) => `user-${i}`);
  const source = await startUsersServer(pagesOf(users, USERS));
  const dataDir = await temporaryFolder();
  const adminToken = "an-operator-of-mailboxes-in-a-test";
  const start = (port = 0) =>
    startReveille({
      dataDir,
      port,
      env: { ACTIVE_USERS_URL: source.url, ADMIN_TOKEN: adminToken, AGENT_ID: "north", RATE_LIMITS: "off" },
    });
  let reveille = await start();
  const { port } = reveille;
  const ledger = new Ledger();
  const over = new AbortController();
  atEnd(() => over.abort());
  for (const agent of AGENTS) await reveille.api(`/v1/agents/${agent}`, { method: "PUT", json: { delivery: "pull" } });

  const complete = async ({ data }: z.infer<typeof Body>): Promise<void> => {
    if (data === undefined) return;
    const { url, token } = data.complete;
    for (; !over.signal.aborted; await sleep(50)) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const body = JSON.stringify({ status: "success", output: data.run.id });
      const answer = await fetch(url, { method: "POST", headers, body }).catch(() => undefined);
      if (answer === undefined) continue;
      expect(answer.status).toBe(200);
      ledger.completed.add(data.run.id);
      return;
    }
  };
  const poll = async (agent: string): Promise<void> => {
    while (!over.signal.aborted) {
      const headers = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
      const body = JSON.stringify({ wait: "5s", limit: 2, lease: "10s" });
      const url = `http://127.0.0.1:${port}/v1/agents/${agent}/claim`;
      const answer = await fetch(url, { method: "POST", headers, body, signal: over.signal }).catch(() => undefined);
      if (answer?.status !== 200) {
        await sleep(50);
        continue;
      }
      const { items } = Items.parse(await answer.json());
      for (const item of items) ledger.take(item);
      await Promise.all(items.map(complete));
    }
  };
  const listen = async (agent: string): Promise<void> => {
    while (!over.signal.aborted) {
      const url = `ws://127.0.0.1:${port}/v1/agents/${agent}/connect`;
      const socket = new WebSocket(url, ["reveille.v1", `bearer.${adminToken}`]);
      const closed = Promise.withResolvers<void>();
      socket.addEventListener("open", () => {
        socket.send(JSON.stringify({ type: "ready", capacity: 5, lease: "10s" }));
      });
      socket.addEventListener("close", () => closed.resolve());
      socket.addEventListener("error", () => closed.resolve());
      socket.addEventListener("message", ({ data }) => {
        const frame = Body.parse(JSON.parse(String(data)));
        ledger.take(frame);
        if (frame.data !== undefined) void complete(frame);
      });
      const stop = () => socket.close();
      over.signal.addEventListener("abort", stop);
      await closed.promise;
      over.signal.removeEventListener("abort", stop);
      await sleep(50);
    }
  };
  const workers = AGENTS.flatMap((agent) => [
    ...Array.from({ length: SOCKETS }, () => listen(agent)),
    ...Array.from({ length: POLLERS }, () => poll(agent)),
  ]);

  const jobs = await Promise.all(Array.from({ length: JOBS }, (_, n) => makeJob(reveille, AGENTS[n % AGENTS.length])));
  // During all of this. Mostly an agent waits for such a run, so its claim is confirmed over the offer's own call.
  const runOneByOne = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${adminToken}` };
    for (const job of jobs) {
      const url = `http://127.0.0.1:${port}/v1/jobs/${job}/run`;
      for (; !over.signal.aborted; await sleep(50)) {
        const answer = await fetch(url, { method: "POST", headers }).catch(() => undefined);
        // The run has begun. After a kill it may have begun before, without an answer.
        if (answer?.status === 202 || answer?.status === 409) break;
      }
      await sleep(20);
    }
  };
  const ran = runOneByOne();

  const going = await Promise.all(AGENTS.map((agent_id) => begin(reveille, agent_id)));
  const all = USERS * AGENTS.length;
  for (let kill = 1; kill <= KILLS; kill++) {
    while (ledger.completed.size < (all * kill) / (KILLS + 1)) await sleep(10);
    await reveille.kill("SIGKILL");
    reveille = await start(port);
  }
  await ran;
  const single = await Promise.all(jobs.map((job) => endedRuns(reveille, job)));
  const fanOuts = await Promise.all(going.map(({ job, id }) => untilEnded(reveille, job, id, 120_000)));
  over.abort();
  await Promise.all(workers);

  const latencies = ledger.handed.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const singles = single.flat();
  const again = ledger.handed.length - all - singles.length;
  console.log(
    `mailbox: ${all} runs of users and ${singles.length} of jobs, ${KILLS} kills, ${again} handed out again, p50 ${latencies[all >> 1]} ms`,
  );
  for (const fanOut of fanOuts) {
    expect(fanOut).toMatchObject({ status: "success", total: USERS, succeeded: USERS, failed: 0, skipped: 0 });
  }
  const runs = (await Promise.all(going.map(({ job, id }) => allRuns(reveille, job, { fan_out_id: id })))).flat();
  expect(runs.length).toBe(all);
  expect(runs.every(({ id, output }) => output === id)).toBe(true);
  expect(single.every((own) => own.length > 0)).toBe(true);
  expect(singles.every(({ id, status, output }) => status === "success" && output === id)).toBe(true);
  expect(ledger.completed.size).toBe(all + singles.length);
  expect(ledger.afterEnd).toEqual([]);
  // A run is handed out again only as a further attempt, or after a kill between the job's confirmation and the agent's answer.
  const times = Map.groupBy(ledger.handed, ({ id, attempt }) => `${id} ${attempt}`);
  expect([...times.values()].filter((handed) => handed.length > 1).length).toBe(0);
});

async function begin(reveille: Reveille, agent_id: string): Promise<{ readonly job: string; readonly id: string }> {
  const job = await makeAllUsersJob(reveille, { agent_id, fan_out: { concurrency: 30 }, retry: RETRY });
  return { job: job.id, id: await fanOutNow(reveille, job.id) };
}

const RETRY = { max_attempts: 10, min_backoff: "1s", max_backoff: "1s" };

async function makeJob(reveille: Reveille, agent_id: string | undefined): Promise<string> {
  const json = { name: "single", message: "m", schedule: { manual: true }, agent_id, retry: RETRY };
  const made = await reveille.api("/v1/jobs", { method: "POST", json });
  return z.looseObject({ id: z.string() }).parse(await made.json()).id;
}

/** The runs of a job once all of them have ended. */
const endedRuns = (reveille: Reveille, job: string) =>
  eventually(
    () => `a run of job ${job} has not ended`,
    async () => {
      const runs = await allRuns(reveille, job);
      return runs.every(({ status }) => status !== "running") && runs;
    },
    60_000,
  );
