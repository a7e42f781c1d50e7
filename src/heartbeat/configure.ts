/** Creates, changes and deletes heartbeats: the object's state, and the registry that the tick uses. */
import { registerHeartbeat, unregisterHeartbeat } from "../directory/heartbeats.ts";
import type { Outcome } from "../domain/failure.ts";
import { type CompiledHeartbeat, compileStored, defineHeartbeat } from "../domain/heartbeat/heartbeat.ts";
import type { Env } from "../env.ts";
import { findHeartbeat, type HeartbeatRpc, heartbeatObject } from "../objects/heartbeat.ts";
import type { HeartbeatInput } from "../schema/heartbeat.ts";
import { MINUTE_MS } from "../schema/limits.ts";

/** Creates the heartbeat or replaces its configuration. `name` is checked. Errors: `validation_failed`. */
export const putHeartbeat = (env: Env, name: string, input: HeartbeatInput): ReturnType<HeartbeatRpc["configure"]> =>
  registered(env, name, input, (object) => object.configure(input));

/** Applies a configuration from code, once for each `version`. Errors: `validation_failed`. */
export const ensureHeartbeat = (
  env: Env,
  name: string,
  input: HeartbeatInput,
  version: string,
): Promise<Outcome<null>> => registered(env, name, input, (object) => object.ensure(input, version));

/** Deletes the heartbeat. Errors: `not_found`. */
export async function eraseHeartbeat(env: Env, name: string): Promise<Outcome<null>> {
  const found = findHeartbeat(env, name);
  if (!found.ok) return found;
  const erased = await found.value.erase();
  await unregisterIfGone(env, name);
  return erased;
}

/**
 * Registers before and after the change. Before it, a crash in between must not leave a heartbeat that is never ticked.
 * After it, the heartbeat may have been deleted meanwhile or configured differently. A name without a heartbeat costs the
 * tick one call.
 */
async function registered<T>(
  env: Env,
  name: string,
  input: HeartbeatInput,
  configure: (object: HeartbeatRpc) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const defined = defineHeartbeat(input, name);
  // The object reports the wrong fields, including those of the notifiers.
  if (!defined.ok) return configure(heartbeatObject(env, name));
  await registerHeartbeat(env, entryOf(name, defined.value));
  const configured = await configure(heartbeatObject(env, name));
  if (configured.ok) await registerIfThere(env, name);
  else await unregisterIfGone(env, name);
  return configured;
}

async function registerIfThere(env: Env, name: string): Promise<void> {
  const present = await heartbeatObject(env, name).read(true);
  if (present.ok) await registerHeartbeat(env, entryOf(name, compileStored(present.value)));
}

/**
 * Removes the name from the registry, and puts it back if the heartbeat exists. Another call may have created it again
 * meanwhile.
 */
async function unregisterIfGone(env: Env, name: string): Promise<void> {
  await unregisterHeartbeat(env, name);
  await registerIfThere(env, name);
}

const entryOf = (name: string, { config, everyMs }: CompiledHeartbeat) => ({
  name,
  everyMinutes: everyMs / MINUTE_MS,
  enabled: config.enabled,
});
