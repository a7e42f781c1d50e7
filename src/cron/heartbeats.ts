/**
 * The tick's part in the heartbeats. Each is asked whether it is due, and runs by itself from then on
 * (docs/contract.md §8).
 */

import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { heartbeatObject } from "../objects/heartbeat.ts";

/**
 * Calls every heartbeat for the tick at `tickAt` (epoch ms), not only those due at that minute. So the next tick does
 * the work of a lost one, and a beat that a kill left behind is found. Answers how many beats began or were logged. A
 * heartbeat that cannot be reached is logged, and its next tick catches up.
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
