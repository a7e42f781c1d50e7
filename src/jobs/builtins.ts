/** Builtin jobs (docs/contract.md §10), made and kept as the code has them. The tick asks for it, a shard of the directory does it. */
import { CODE } from "../domain/audit.ts";
import { SHARD_COUNT } from "../domain/directory-shard.ts";
import { ADMIN } from "../domain/job/access.ts";
import { BUILTIN_LABEL } from "../domain/job/builtin-label.ts";
import { errorText } from "../domain/text/error-text.ts";
import { type Env, settingsOf } from "../env.ts";
import { type RegisteredBuiltin, registeredBuiltin } from "../hooks/builtins.ts";
import { logError } from "../log.ts";
import type { SettledBuiltins, WantedBuiltin } from "../objects/directory.ts";
import { jobObject } from "../objects/job.ts";
import type { CallBudget } from "../outbound/call-budget.ts";
import { ensureSystemJob, systemJobId } from "./ensure.ts";

/** Reserving a builtin's name in every shard, its place, and making it. */
const CALLS_TO_MAKE = SHARD_COUNT + 3;

/**
 * Brings these builtins to the code's definition while there are calls. A job carries the version of the code that made it. So a
 * job of this version costs one call, and an operator's changes to it stay. An isolate with other code than the caller's leaves
 * the builtin to a later tick.
 */
export async function settleEach(
  env: Env,
  wanted: readonly WantedBuiltin[],
  now: number,
  budget: CallBudget,
): Promise<SettledBuiltins> {
  const settled: string[] = [];
  for (const [i, { name, version }] of wanted.entries()) {
    const builtin = registeredBuiltin(name);
    if (builtin?.version !== version) continue;
    if (!budget.take()) return { settled, left: wanted.slice(i) };
    const problem = await settle(env, builtin, now, budget).catch(errorText);
    if (problem === "out of calls") return { settled, left: wanted.slice(i) };
    if (problem === undefined) settled.push(name);
    else
      logError("A builtin job could not be brought up to date; trying again at the next tick", {
        builtin: name,
        problem,
      });
  }
  return { settled, left: [] };
}

async function settle(
  env: Env,
  { input, version }: RegisteredBuiltin,
  now: number,
  budget: CallBudget,
): Promise<string | undefined> {
  const present = await jobObject(env, await systemJobId(env, input.name)).read(ADMIN);
  if (present.ok && present.value.labels?.[BUILTIN_LABEL] === version) return undefined;
  if (!budget.take(CALLS_TO_MAKE)) return "out of calls";
  const settings = settingsOf(env);
  const origin = settings.PUBLIC_URL ?? "";
  const ensured = await ensureSystemJob(
    { env, settings: { ...settings, TOKEN_SECRET: settings.TOKEN_SECRET ?? "" }, now, origin, by: CODE },
    input,
    true,
  );
  return ensured.ok ? undefined : JSON.stringify(ensured.error);
}
