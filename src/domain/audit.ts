/** The audit trail (docs/contract.md §17): who changed what. Pure shapes; rows are written with the change that they tell of. */

import { DAY_MS } from "../schema/limits.ts";
import { compact } from "./compact.ts";
import type { Caller, TokenFacts } from "./job/access.ts";

/** The author of a change: `admin`, `agent:helper`, `user:u1`, `plugin:p` or `code`, and the token. */
export type Author = { readonly actor: string; readonly tokenId?: string };

/** The author of changes by builtins and other code of the deployment. */
export const CODE: Author = { actor: "code" };

/** The caller as the author of a change. */
export function authorOf(caller: Caller): Author {
  const { token_id: tokenId }: TokenFacts & { readonly role: string } = caller;
  return { actor: subjectOf(caller), ...compact({ tokenId }) };
}

/** The subject of a token: its role with the id that the role is bound to. */
export function subjectOf(caller: Caller): string {
  switch (caller.role) {
    case "agent":
      return subject("agent", caller.agent_id);
    case "user":
      return subject("user", caller.user_id);
    case "plugin":
      return subject("plugin", caller.plugin_id);
    default:
      return caller.role;
  }
}

/** A token without an id may use any value of it, and is one subject by itself. */
const subject = (role: string, id: string | undefined): string => (id === undefined ? role : `${role}:${id}`);

/** The time for which the trail is kept. */
export const AUDIT_RETENTION_MS = 90 * DAY_MS;

/** One change, as the trail keeps it: never messages, payloads, outputs or secrets. `at` is epoch ms. */
export type AuditEntry = Author & {
  readonly id: string;
  readonly at: number;
  /** `job.create`, `agent.delete`, … */
  readonly action: string;
  /** The target of the change: the id of the job, agent, token, subscription or user, or the heartbeat's name. */
  readonly target: string;
  readonly jobId?: string;
  /** Of a job: whom it runs for. */
  readonly owner?: string;
};

/** A change before the shard that records it gives it an id and a time. */
export type Change = Pick<AuditEntry, "action" | "target"> & { readonly by: Author };
