/**
 * The tick's part in heartbeats that code configures. Each heartbeat is updated to its code once for each version of the
 * code.
 */
import type { Env } from "../env.ts";
import { ensureHeartbeat } from "../heartbeat/configure.ts";
import { codeHeartbeats } from "../hooks/heartbeat.ts";
import { logError } from "../log.ts";
import type { CallBudget } from "../outbound/call-budget.ts";

/** The names of the heartbeats that are known to be up to date in this isolate. A new deploy is a new isolate. */
const settled = new Set<string>();

/** The calls for each heartbeat: register it, configure it, read it, register it again. */
const CALLS_EACH = 4;

/** Ensures every heartbeat in code. A failure is logged and retried at the next tick, and the others do not wait for it. */
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
