/** Opens the source of a fan-out's users (docs/contract.md §9): code, else ACTIVE_USERS_URL, else the roster. */
import type { Env, Settings } from "../env.ts";
import { registeredActiveUsers } from "../hooks/active-users.ts";
import { codeSource } from "./code.ts";
import { rosterSource } from "./roster.ts";
import type { ActiveUserSource, Reading } from "./source.ts";
import { urlSource } from "./url.ts";

export function openSource(env: Env, settings: Settings, reading: Reading): ActiveUserSource {
  const users = registeredActiveUsers();
  if (users !== undefined) return codeSource(users);
  const url = settings.ACTIVE_USERS_URL;
  if (url !== undefined) return urlSource(url, settings, reading);
  return rosterSource(env, settings, reading);
}
