/** The tick's part in the heartbeats. Each is asked whether a beat is due, and runs it by itself (docs/contract.md §8). */

import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { heartbeatObject } from "../objects/heartbeat.ts";

/**
 * Calls every heartbeat for the tick at `tickAt` (epoch ms), and not only those that are due. So the next tick replaces a
 * lost one, and a beat that a kill interrupted is found. Returns the number of beats that began or were logged. A heartbeat
 * that cannot be reached is logged, and its next tick catches up.
 */
export async function tickHeartbeats(env: Env, names: readonly string[], tickAt: number): Promise<number> {
  const answers = await Promise.allSettled(names.map((name) => heartbeatObject(env, name).beatIfDue(tickAt)));
  let begun = 0;
  answers.forEach((answer, index) => {
    if (answer.status === "rejected") {
      logError("A heartbeat could not be reached", { heartbeat: names[index] }, answer.reason);
    } else if (answer.value.ok && answer.value.value.beat_id !== undefined) begun++;
  });
  return begun;
}
