/**
 * The stand-in for a tick that does not come (docs/architecture.md, invariant 4). A Cron Trigger can stop silently. After
 * two minutes without a tick, the next alarm of a job or call of the API does its work. The first shard of the directory
 * decides, so that only one of many does it.
 */
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { shardAt } from "../objects/directory.ts";
import { TICK_MISSING_AFTER_MS } from "../schema/limits.ts";

type Tick = (dueAt: number, env: Env, now: number) => Promise<void>;

/** The pause before the next question to a shard that cannot be reached or is being asked. */
const ASK_AGAIN_MS = 10_000;

let doTick: Tick | undefined;
/** The time until which the last tick is known to be recent enough, in epoch ms. */
let lookAt = 0;

/** Sets the tick. It is passed in because it stands above this file. */
export function setTick(tick: Tick): void {
  doTick = tick;
}

/** Does the tick's work if none has come for two minutes. It asks once in that time. Never throws. */
export async function standIn(env: Env, now: number): Promise<void> {
  // After the clock was set back, this must not stop everybody from asking.
  if (now < lookAt && lookAt - now <= TICK_MISSING_AFTER_MS) return;
  lookAt = now + ASK_AGAIN_MS;
  try {
    const { isMissing, lastAt } = await shardAt(env, 0).standIn(now);
    lookAt = lastAt + TICK_MISSING_AFTER_MS;
    if (isMissing) await doTick?.(now, env, now);
  } catch (error) {
    logError("The last tick could not be read; trying again", {}, error);
  }
}
