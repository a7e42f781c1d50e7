/** The users of fan-outs in code (docs/contract.md §10), registered at module level in someone's own Worker. */
import { mustBeFunction } from "./must-be-function.ts";

/** Gives the ids of the users to run for. It is called for each fan-out, and again when its reading resumes. */
export type ActiveUsers = () => UserIds | Promise<UserIds>;

type UserIds = AsyncIterable<string> | Iterable<string>;

let registered: ActiveUsers | undefined;

/**
 * Takes the users of every all_users job from code, instead of the roster and ACTIVE_USERS_URL. After a restart in the
 * middle of a fan-out the iterable is read again from its start, and the users that were read before are skipped. So **its
 * order must be stable**: sort by something that does not change. A user who is named twice is run once. If it throws,
 * reading is retried by the job's `retry`.
 *
 * ```ts setActiveUsers(async function* () {
 *   for await (const row of customers.active({ orderBy: "id" })) yield row.id;
 * }); ```
 */
export function setActiveUsers(users: ActiveUsers): void {
  mustBeFunction("setActiveUsers: the users", users);
  registered = users;
}

/** The registrations of this isolate. */
export const registeredActiveUsers = (): ActiveUsers | undefined => registered;
