/** How a fan-out's users and its calls under way are shared among objects. */

/** Calls that one object may have under way on Cloudflare. */
const CALLS_PER_OBJECT = 6;

/** `POST /fan-out` of a floor: an object each for a few of the calls, and the answer when the last user is done. */
export async function fanOut(
  request: Request,
  callUsers: (shard: number, users: number, calls: number) => Promise<void>,
): Promise<Response> {
  const { users, concurrency } = await request.json<{ users: number; concurrency: number }>();
  const shards = Math.ceil(concurrency / CALLS_PER_OBJECT);
  const share = (total: number, shardIndex: number): number =>
    Math.floor(total / shards) + (shardIndex < total % shards ? 1 : 0);
  await Promise.all(
    Array.from({ length: shards }, (_, shardIndex) =>
      callUsers(shardIndex, share(users, shardIndex), share(concurrency, shardIndex)),
    ),
  );
  return new Response();
}

/** Calls for `users` users, so many at a time. */
export async function inParallel(users: number, calls: number, call: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const callSome = async (): Promise<void> => {
    for (let n = next++; n < users; n = next++) await call(n);
  };
  await Promise.all(Array.from({ length: calls }, callSome));
}
