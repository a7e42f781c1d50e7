/** A fan-out of the systems that have no roster: the floor and the queues answer `POST /fan-out` when the last user is done. */
import { call } from "../load.ts";

/** The users per second. Throws if the answer is not 200. */
export async function fanOut(port: number, users: number, concurrency: number): Promise<number> {
  const startedAt = performance.now();
  const body = JSON.stringify({ users, concurrency });
  const reply = await call(port, { method: "POST", path: "/fan-out", body });
  if (reply.status !== 200) throw new Error(`the fan-out was answered ${reply.status}: ${reply.body}`);
  return (users / (performance.now() - startedAt)) * 1_000;
}
