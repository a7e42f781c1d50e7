/** What only the operator has: users, agents, tokens. */
import { call, type Page, v1 } from "./client.ts";

export type User = { readonly id: string; readonly active: boolean; readonly last_seen_at?: string };
export type Agent = { readonly id: string; readonly url: string; readonly secret?: string };
export type TokenRequest = {
  readonly role: string;
  readonly agent_id?: string;
  readonly user_id?: string;
  readonly plugin_id?: string;
  readonly expires_in: string;
};
export type Token = { readonly token: string; readonly expires_at: string };

export const listUsers = (active: string | undefined, cursor?: string, signal?: AbortSignal) =>
  call<Page<User>>("GET", v1("users"), { query: { active, cursor, limit: 100 }, signal });
export const putUser = (id: string, active: boolean) => call<User>("PUT", v1("users", id), { json: { active } });
export const deleteUser = (id: string) => call<undefined>("DELETE", v1("users", id));
export const importUsers = (users: readonly string[]) =>
  call<{ readonly imported: number }>("POST", v1("users", "import"), { json: { users } });

export const listAgents = (signal?: AbortSignal) => call<Page<Agent>>("GET", v1("agents"), { signal });
export const putAgent = (
  id: string,
  body: { readonly url: string; readonly secret?: string; readonly rotate?: boolean },
) => call<Agent>("PUT", v1("agents", id), { json: body });
export const deleteAgent = (id: string) => call<undefined>("DELETE", v1("agents", id));

export const mintToken = (body: TokenRequest) => call<Token>("POST", v1("tokens"), { json: body });
