/** The tick's part in builtin jobs. Each job is updated to its code once for each version of the code. */

import type { Env } from "../env.ts";
import { registeredBuiltins } from "../hooks/builtins.ts";
import { logError } from "../log.ts";
import { shardFor, type WantedBuiltin } from "../objects/directory.ts";
import type { CallBudget } from "../outbound/call-budget.ts";

/** The names of the builtins that are known to be up to date in this isolate. A new deploy is a new isolate. */
const settled = new Set<string>();

/**
 * Ensures every registered builtin. A new one takes half of the calls that an invocation has on the Free plan. So a shard of
 * the directory creates them in invocations of its own, as many as it takes. A failure is logged and retried at the next tick.
 */
export async function ensureBuiltins(env: Env, budget: CallBudget): Promise<void> {
  let wanted: readonly WantedBuiltin[] = registeredBuiltins()
    .map(({ input: { name }, version }) => ({ name, version }))
    .filter(({ name }) => !settled.has(name));
  for (let next = wanted[0]; next !== undefined && budget.take(); next = wanted[0]) {
    try {
      const answer = await shardFor(env, next.name).settleBuiltins(wanted);
      for (const name of answer.settled) settled.add(name);
      // A shard that got nowhere gets nowhere the second time.
      wanted = answer.left.length < wanted.length ? answer.left : [];
    } catch (error) {
      logError("Builtin jobs could not be brought up to date; trying again at the next tick", {}, error);
      return;
    }
  }
}
