/** The time from an offer to the claim by an agent without an address, for agents with sockets and agents with waiting calls. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { ADMIN_TOKEN } from "../api.ts";
import { quantile } from "../stats.ts";
import { MESSAGE } from "../systems/system.ts";
import { type Door, json, type Latency } from "./reveille.ts";

const AGENT = "bench";
const SOCKETS = 5;
const POLLS = 5;
/** The time between the starts of two runs, each of another job in turn. */
const GAP_MS = 10;
const JOBS = 50;
const LIMIT_MS = 60_000;

const Made = z.looseObject({ id: z.string() });
const Call = z.looseObject({
  data: z.looseObject({
    run: z.looseObject({ id: z.string(), job_id: z.string(), offered_at: z.string() }),
  }),
});
const Frame = z.looseObject({ type: z.string() });
const Claimed = z.looseObject({ items: z.array(Call) });

/** Times `runs` runs, from the offer until the agent has the claim. Throws if one does not come. */
export async function claims(system: Door, runs: number): Promise<Latency> {
  await json(system, "PUT", `/v1/agents/${AGENT}`, { delivery: "pull" });
  const jobs: string[] = [];
  for (let n = 0; n < JOBS; n++) {
    const body = { name: `claimed ${n}`, agent_id: AGENT, schedule: { manual: true }, message: MESSAGE };
    jobs.push(Made.parse(await json(system, "POST", "/v1/jobs", body)).id);
  }
  const latencies: number[] = [];
  const take = ({ data: { run } }: z.infer<typeof Call>): void => {
    latencies.push(Date.now() - Date.parse(run.offered_at));
  };
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => listen(system, take)));
  let isOver = false;
  const polls = Array.from({ length: POLLS }, async () => {
    while (!isOver) {
      const { items } = Claimed.parse(await json(system, "POST", `/v1/agents/${AGENT}/claim`, { wait: "1s" }));
      for (const call of items) {
        take(call);
        const { job_id, id } = call.data.run;
        await json(system, "POST", `/v1/jobs/${job_id}/runs/${id}/complete`, { status: "success" });
      }
    }
  });
  for (let n = 0; n < runs; n++) {
    await json(system, "POST", `/v1/jobs/${jobs[n % JOBS]}/run`);
    await sleep(GAP_MS);
  }
  const endsAt = Date.now() + LIMIT_MS;
  while (latencies.length < runs && Date.now() < endsAt) await sleep(20);
  isOver = true;
  for (const socket of sockets) socket.close();
  await Promise.all(polls);
  if (latencies.length !== runs) throw new Error(`${latencies.length} of ${runs} runs were claimed`);
  return { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}

/** An open socket that takes runs and completes each at once. */
async function listen(system: Door, take: (call: z.infer<typeof Call>) => void): Promise<WebSocket> {
  const url = `ws://127.0.0.1:${system.port}/v1/agents/${AGENT}/connect`;
  const socket = new WebSocket(url, ["reveille.v1", `bearer.${ADMIN_TOKEN}`]);
  socket.addEventListener("message", ({ data }) => {
    const frame: unknown = JSON.parse(String(data));
    if (Frame.parse(frame).type !== "job.run") return;
    const call = Call.parse(frame);
    take(call);
    const { job_id, id } = call.data.run;
    socket.send(JSON.stringify({ type: "complete", job_id, run_id: id, status: "success" }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the socket was refused")));
  });
  socket.send(JSON.stringify({ type: "ready", capacity: 5 }));
  return socket;
}
