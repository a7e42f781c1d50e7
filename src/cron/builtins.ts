/** The tick's part in builtin jobs. Each job is updated to its code once for each version of the code. */

import { CODE } from "../domain/audit.ts";
import { SHARD_COUNT } from "../domain/directory-shard.ts";
import { ADMIN } from "../domain/job/access.ts";
import { BUILTIN_LABEL } from "../domain/job/builtin-label.ts";
import { errorText } from "../domain/text/error-text.ts";
import type { Env, Settings } from "../env.ts";
import { type RegisteredBuiltin, registeredBuiltins } from "../hooks/builtins.ts";
import { ensureSystemJob, systemJobId } from "../jobs/ensure.ts";
import { logError } from "../log.ts";
import { jobObject } from "../objects/job.ts";
import type { CallBudget } from "../outbound/call-budget.ts";

/** The calls for a new builtin: its name in every shard, its place, and the job. */
const CALLS_TO_MAKE = SHARD_COUNT + 3;

/** The names of the builtins that are known to be up to date in this isolate. A new deploy is a new isolate. */
const settled = new Set<string>();

/**
 * Ensures every registered builtin. The job carries the version of the code that created it. So a builtin that is up to
 * date costs one call in the life of an isolate, and an operator's changes to it stay. A failure is logged and retried at
 * the next tick, and the other builtins do not wait for it.
 */
export async function ensureBuiltins(env: Env, settings: Settings, now: number, budget: CallBudget): Promise<void> {
  for (const builtin of registeredBuiltins()) {
    const { name } = builtin.input;
    if (settled.has(name)) continue;
    if (!budget.take()) return;
    const problem = await ensureBuiltin(env, settings, builtin, now, budget).catch(errorText);
    // Builtins that this invocation has no calls for have their turn at the next tick.
    if (problem === "out of calls") return;
    if (problem === undefined) settled.add(name);
    else
      logError("A builtin job could not be brought up to date; trying again at the next tick", {
        builtin: name,
        problem,
      });
  }
}

async function ensureBuiltin(
  env: Env,
  settings: Settings,
  { input, version }: RegisteredBuiltin,
  now: number,
  budget: CallBudget,
): Promise<string | undefined> {
  const present = await jobObject(env, await systemJobId(env, input.name)).read(ADMIN);
  if (present.ok && present.value.labels?.[BUILTIN_LABEL] === version) return undefined;
  if (!budget.take(CALLS_TO_MAKE)) return "out of calls";
  const origin = settings.PUBLIC_URL ?? "";
  const ensured = await ensureSystemJob(
    { env, settings: { ...settings, TOKEN_SECRET: settings.TOKEN_SECRET ?? "" }, now, origin, by: CODE },
    input,
    true,
  );
  return ensured.ok ? undefined : JSON.stringify(ensured.error);
}
