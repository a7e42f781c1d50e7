/**
 * The tick's part in heartbeats that code configures. Each is brought to what the code says, once for each version of
 * it.
 */
import type { Env } from "../env.ts";
import { ensureHeartbeat } from "../heartbeat/configure.ts";
import { codeHeartbeats } from "../hooks/heartbeat.ts";
import { logError } from "../log.ts";
import type { CallBudget } from "../outbound/call-budget.ts";

/** Names of the heartbeats that this isolate has found, or made, as the code has them. A new deploy is a new isolate. */
const settled = new Set<string>();

/** Registering it, configuring it, reading it, registering it as it is. */
const CALLS_EACH = 4;

/** One that fails is logged and tried again at the next tick. The others do not wait for it. */
export async function ensureHeartbeats(env: Env, budget: CallBudget): Promise<void> {
  for (const { name, input, version } of codeHeartbeats()) {
    if (settled.has(name)) continue;
    if (!budget.take(CALLS_EACH)) return;
    try {
      const ensured = await ensureHeartbeat(env, name, input, version);
      if (!ensured.ok)
        logError("A heartbeat in code is not usable", { heartbeat: name, problem: JSON.stringify(ensured.error) });
      settled.add(name);
    } catch (error) {
      logError(
        "A heartbeat in code could not be configured; trying again at the next tick",
        { heartbeat: name },
        error,
      );
    }
  }
}
