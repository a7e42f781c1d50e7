/** Subscriptions. The state of each is in its own object, and every shard of the directory has a list of them. */
import type { Author } from "../domain/audit.ts";
import { invalid, notFound, type Outcome } from "../domain/failure.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { allShards, shardAt, shardFor } from "../objects/directory.ts";
import { type SubscriptionRpc, subscriptionObject } from "../objects/subscription.ts";
import type { Subscription, SubscriptionInput } from "../schema/subscription.ts";
import { noteChange } from "./audit.ts";

/** The most subscriptions, since each event is matched against all of them. */
export const MAX_SUBSCRIPTIONS = 100;

const TOO_MANY = {
  path: "id",
  message: `would be one subscription too many: there are ${MAX_SUBSCRIPTIONS}, which is the most. Give this id's targets to one that is there (\`to\` takes several), or DELETE /v1/subscriptions/{id} one that is no longer needed`,
};

/** Creates the subscription or replaces its configuration. Errors: `validation_failed`. */
export async function putSubscription(
  env: Env,
  id: string,
  input: SubscriptionInput,
  by: Author,
): Promise<Outcome<{ readonly subscription: Subscription; readonly created: boolean }>> {
  const configured = await subscriptionObject(env, id).configure(input);
  if (!configured.ok) return configured;
  const { events, match } = input;
  const { created } = configured.value;
  // The first shard counts for all, so two concurrent calls cannot both get the last place.
  if (!(await shardAt(env, 0).putSubscription(id, { events, match }, created, MAX_SUBSCRIPTIONS))) {
    await subscriptionObject(env, id).erase();
    return invalid([TOO_MANY]);
  }
  await Promise.all(
    allShards(env)
      .slice(1)
      .map((shard) => shard.putSubscription(id, { events, match }, created)),
  );
  const action = created ? "subscription.create" : "subscription.update";
  await noteChange(env, id, { action, target: id, by });
  return configured;
}

/** Deletes the subscription. Its messages on their way are given up. Errors: `not_found`. */
export async function deleteSubscription(env: Env, id: string, by: Author): Promise<Outcome<null>> {
  const found = await findSubscription(env, id);
  if (!found.ok) return found;
  const erased = await found.value.erase();
  if (!erased.ok) return erased;
  // A shard that cannot be reached forgets it when it offers the next event and finds no subscription.
  await Promise.all(
    allShards(env).map((shard) =>
      shard
        .removeSubscription(id)
        .catch((error) => logError("A shard still lists a subscription that is gone", { subscription: id }, error)),
    ),
  );
  await noteChange(env, id, { action: "subscription.delete", target: id, by });
  return erased;
}

/** The object of an existing subscription. For any other id no object is touched. Errors: `not_found`. */
export async function findSubscription(env: Env, id: string): Promise<Outcome<SubscriptionRpc>> {
  const ids = await shardFor(env, id).subscriptionIds();
  return ids.includes(id) ? ok(subscriptionObject(env, id)) : notFound("subscription");
}

/** All subscriptions by id. */
export async function listSubscriptions(env: Env): Promise<Subscription[]> {
  const ids = await shardAt(env, 0).subscriptionIds();
  const read = await Promise.all(ids.map((id) => subscriptionObject(env, id).read()));
  return read.flatMap((one) => (one.ok ? [one.value] : []));
}
