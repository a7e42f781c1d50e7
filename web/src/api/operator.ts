/** The operator's own things: users, agents, tokens. */
import { call, type Page, v1 } from "./client.ts";

export type User = { readonly id: string; readonly active: boolean; readonly last_seen_at?: string };
export type Agent = {
  readonly id: string;
  /** `push`: it is called at its URL. `pull`: it claims its runs from a mailbox. */
  readonly delivery: "push" | "pull";
  readonly url?: string;
  /** For an agent that pulls: open sockets and unclaimed runs. */
  readonly connected?: number;
  readonly waiting?: number;
  readonly secret?: string;
};
/** The outcome of a test call; `took` is a duration. */
export type AgentTest = {
  readonly ok: boolean;
  readonly status?: number;
  readonly error?: string;
  readonly took: string;
};
/** The body that registers an agent. */
export type AgentBody = {
  readonly delivery?: "pull";
  readonly url?: string;
  readonly secret?: string;
  readonly rotate?: boolean;
};
export type TokenRequest = {
  readonly role: string;
  readonly agent_id?: string;
  readonly user_id?: string;
  readonly plugin_id?: string;
  readonly expires_in: string;
  readonly name?: string;
  readonly access?: "write" | "read";
  readonly agents?: readonly string[];
};
export type Token = { readonly id: string; readonly token: string; readonly expires_at: string };
/** A token in a list, without the token itself. */
export type ListedToken = {
  readonly id: string;
  readonly role: string;
  readonly name?: string;
  readonly access?: string;
  readonly agents?: readonly string[];
  readonly agent_id?: string;
  readonly user_id?: string;
  readonly plugin_id?: string;
  readonly expires_at: string;
};

export type Stats = {
  readonly jobs: {
    readonly total: number;
    readonly by_state: { readonly active: number; readonly paused: number; readonly finished: number };
  };
  readonly users: { readonly total: number; readonly active: number };
  readonly mode: "normal" | "stopped" | "ephemeral";
  readonly user_jobs: boolean;
  readonly tick: { readonly last_at?: string; readonly stood_in?: number };
};
export const getStats = (signal?: AbortSignal) => call<Stats>("GET", v1("stats"), { signal });
export const listUsers = (active: string | undefined, cursor?: string, signal?: AbortSignal) =>
  call<Page<User>>("GET", v1("users"), { query: { active, cursor, limit: 100 }, signal });
export const putUser = (id: string, active: boolean) => call<User>("PUT", v1("users", id), { json: { active } });
export const deleteUser = (id: string) => call<undefined>("DELETE", v1("users", id));
export const importUsers = (users: readonly string[]) =>
  call<{ readonly imported: number }>("POST", v1("users", "import"), { json: { users } });

export const listAgents = (signal?: AbortSignal) => call<Page<Agent>>("GET", v1("agents"), { signal });
export const getAgent = (id: string, signal?: AbortSignal) => call<Agent>("GET", v1("agents", id), { signal });
export const putAgent = (id: string, body: AgentBody) => call<Agent>("PUT", v1("agents", id), { json: body });
export const testAgent = (id: string) => call<AgentTest>("POST", v1("agents", id, "test"));
export const deleteAgent = (id: string) => call<undefined>("DELETE", v1("agents", id));

export const listTokens = (cursor?: string, signal?: AbortSignal) =>
  call<Page<ListedToken>>("GET", v1("tokens"), { query: { cursor }, signal });
export const revokeToken = (id: string) => call<undefined>("DELETE", v1("tokens", id));
export const mintToken = (body: TokenRequest) => call<Token>("POST", v1("tokens"), { json: body });
