/**
 * The stand-in for a tick that does not come (docs/architecture.md, invariant 4). A Cron Trigger can stop silently; when no tick has come for
 * two minutes, the next alarm of a job or call of the API does its work. The first shard of the directory decides, so that
 * one of many does it.
 */
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { shardAt } from "../objects/directory.ts";
import { TICK_MISSING_AFTER_MS } from "../schema/limits.ts";

type Tick = (dueAt: number, env: Env, now: number) => Promise<void>;

/** A shard that cannot be reached, or a question under way, is not asked again before this. */
const ASK_AGAIN_MS = 10_000;

let doTick: Tick | undefined;
/** Epoch ms; before this the last tick is known to be recent enough. */
let lookAt = 0;

/** The tick itself, which stands above those who ask for it. */
export function setTick(tick: Tick): void {
  doTick = tick;
}

/** Does the tick's work if none has come for two minutes. Asks once in that time. Never throws. */
export async function standIn(env: Env, now: number): Promise<void> {
  // A clock that was set back must not keep everybody from looking.
  if (now < lookAt && lookAt - now <= TICK_MISSING_AFTER_MS) return;
  lookAt = now + ASK_AGAIN_MS;
  try {
    const { isMissing, lastAt } = await shardAt(env, 0).standIn(now);
    lookAt = lastAt + TICK_MISSING_AFTER_MS;
    if (isMissing) await doTick?.(now, env, now);
  } catch (error) {
    logError("Whether a tick is missing could not be found out; it is asked again", {}, error);
  }
}
