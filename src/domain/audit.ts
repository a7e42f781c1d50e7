/** The audit trail (docs/contract.md §17): who changed what. Pure shapes; each row is written together with its change. */

import { DAY_MS } from "../schema/limits.ts";
import { compact } from "./compact.ts";
import type { Caller, TokenFacts } from "./job/access.ts";

/** The author of a change, as `admin`, `agent:helper`, `user:u1`, `plugin:p` or `code`, with the token's id. */
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

/** A token that carries no id may use any value of it, and counts as one subject. */
const subject = (role: string, id: string | undefined): string => (id === undefined ? role : `${role}:${id}`);

/** The time for which audit entries are kept. */
export const AUDIT_RETENTION_MS = 90 * DAY_MS;

/** One change in the trail. It never holds messages, payloads, outputs or secrets. `at` is epoch ms. */
export type AuditEntry = Author & {
  readonly id: string;
  readonly at: number;
  /** `job.create`, `agent.delete`, … */
  readonly action: string;
  /** The target of the change: the id of the job, agent, token, subscription or user, or the heartbeat's name. */
  readonly target: string;
  readonly jobId?: string;
  /** The owner of the job, if the target is a job. */
  readonly owner?: string;
};

/** A change before the shard that records it gives it an id and a time. */
export type Change = Pick<AuditEntry, "action" | "target"> & { readonly by: Author };
