/**
 * `/v1/users`: the roster of users for fan-out (docs/contract.md §6, §9). Only the operator may use it, except for `seen`.
 */

import * as z from "zod";
import { noteChange } from "../../directory/audit.ts";
import { deleteUser, getUser, importUsers, listUsers, putUser, seenUser } from "../../directory/roster.ts";
import { authorOf } from "../../domain/audit.ts";
import { invalid, notFound, type Outcome } from "../../domain/failure.ts";
import { ok } from "../../domain/result.ts";
import { User, UserInput, UserPathId, UsersImport } from "../../schema/user.ts";
import { NoBody, pageCursor, pageLimit, pageShape, queryFlag } from "../fields.ts";
import { reply, route } from "../route.ts";

const tag = "Users";

const list = route({
  method: "get",
  path: "/v1/users",
  access: "admin_read",
  id: "listUsers",
  tag,
  summary: "List the users of the roster, by id",
  query: z.strictObject({
    active: queryFlag
      .optional()
      .meta({ description: "true: only those that a fan-out would run for; false: the others." }),
    limit: pageLimit(50),
    cursor: pageCursor,
  }),
  answers: { 200: { description: "A page of users.", schema: pageShape(User) } },
  async handle({ env, settings, query, now }) {
    const page = await listUsers(env, settings, query, now);
    return page.ok ? reply(200, page.value) : page;
  },
});

/** The target of an import in the audit trail. It stands for all its users. */
const ROSTER = "roster";

const importMany = route({
  method: "post",
  path: "/v1/users/import",
  access: "admin",
  id: "importUsers",
  tag,
  summary: "Make many users active",
  description:
    "New users join the roster. With ACTIVE_WINDOW they count as seen now. The call may be repeated; an id that comes twice counts once.",
  body: { schema: UsersImport },
  answers: {
    200: { description: "The number of users.", schema: z.strictObject({ imported: z.int() }) },
  },
  async handle({ env, settings, caller, body, now }) {
    const imported = await importUsers(env, settings, body.users, now);
    await noteChange(env, ROSTER, { action: "user.import", target: ROSTER, by: authorOf(caller) });
    return reply(200, { imported });
  },
});

const put = route({
  method: "put",
  path: "/v1/users/:id",
  access: "admin",
  id: "putUser",
  tag,
  summary: "Add a user, or mark one active or not",
  description: "Percent-encode the id. The user's last visit stays.",
  body: { schema: UserInput, optional: true },
  answers: {
    200: { description: "The user existed and was marked.", schema: User },
    201: { description: "The user joined the roster.", schema: User, headers: { Location: "The user's path." } },
  },
  async handle({ env, settings, caller, params, body, now }) {
    const id = newId(params.id);
    if (!id.ok) return id;
    const { user, created } = await putUser(
      env,
      settings,
      { id: id.value, active: body.active },
      now,
      authorOf(caller),
    );
    return created ? reply(201, user, { location: `/v1/users/${encodeURIComponent(id.value)}` }) : reply(200, user);
  },
});

const get = route({
  method: "get",
  path: "/v1/users/:id",
  access: "admin_read",
  id: "getUser",
  tag,
  summary: "Read a user",
  answers: { 200: { description: "The user.", schema: User } },
  errors: ["not_found"],
  async handle({ env, settings, params, now }) {
    if (!isId(params.id)) return notFound("user");
    const user = await getUser(env, settings, params.id, now);
    return user.ok ? reply(200, user.value) : user;
  },
});

const remove = route({
  method: "delete",
  path: "/v1/users/:id",
  access: "admin",
  id: "deleteUser",
  tag,
  summary: "Remove a user from the roster",
  description: "Their jobs stay; only fan-outs leave them out. A running fan-out may still reach them.",
  answers: { 204: { description: "The user is off the roster." } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    if (!isId(params.id)) return notFound("user");
    const removed = await deleteUser(env, params.id, authorOf(caller));
    return removed.ok ? reply(204) : removed;
  },
});

const seen = route({
  method: "post",
  path: "/v1/users/:id/seen",
  access: "own_user",
  id: "userSeen",
  tag,
  summary: "Note that a user was seen now",
  description:
    "For the operator and the user's own token. A new user joins the roster as active; an inactive user stays inactive.",
  body: { schema: NoBody, optional: true },
  answers: { 200: { description: "The user.", schema: User } },
  async handle({ env, settings, params, now }) {
    const id = newId(params.id);
    return id.ok ? reply(200, await seenUser(env, settings, id.value, now)) : id;
  },
});

export const userRoutes = [list, importMany, put, get, remove, seen] as const;

const isId = (id: string): boolean => UserPathId.safeParse(id).success;

/** The id, if it is valid for a user. Errors: `validation_failed` on `id`. */
function newId(id: string): Outcome<string> {
  if (isId(id)) return ok(id);
  return invalid([{ path: "id", message: "must be 1 to 128 bytes of UTF-8, percent-encoded in the path" }]);
}
