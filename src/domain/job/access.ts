/**
 * Access to jobs: who may see and change which one (docs/contract.md §7). Pure: the caller's claims against a job's
 * ids, nothing else.
 */
import type { JobDefinition, JobInput } from "../../schema/job.ts";
import { type Failure, forbidden, invalid, type Outcome } from "../failure.ts";
import { ok } from "../result.ts";

/** The claims of a token besides its owner (docs/contract.md §17). A token from before these claims existed has none. */
export type TokenFacts = {
  /** The id by which the token is listed and revoked. */
  readonly token_id?: string | undefined;
  /** `read` limits the token to reading. Left out: it may also change things. */
  readonly access?: "read" | undefined;
  /** The only agents that jobs of this token may name. Left out: any agent. */
  readonly agents?: readonly string[] | undefined;
  /** When the token expires, epoch ms. */
  readonly expires_at?: number | undefined;
};

/**
 * The caller, as read from the token. `admin` is the operator. `viewer` reads everything and changes nothing. `run` holds a
 * run's own token. `trigger` holds a token that may be a job's own trigger token, which the job checks. The other roles are
 * bound to every id they carry, and an id they lack may have any value.
 */
export type Caller =
  | { readonly role: "admin" }
  | ({ readonly role: "viewer" } & TokenFacts)
  | BoundCaller
  | {
      readonly role: "trigger";
      readonly job_id: string;
      readonly token_hash: string;
      /** The rate-limit bucket that its calls count against. */
      readonly bucket: string;
    }
  | {
      readonly role: "run";
      readonly job_id: string;
      readonly run_id: string;
      /** For a run out of a mailbox: the claim that the token was handed out with (epoch ms). */
      readonly claimed_at?: number | undefined;
      readonly expires_at?: number | undefined;
    };

export type BoundCaller = TokenFacts & {
  readonly role: "agent" | "user" | "plugin";
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly plugin_id?: string | undefined;
};

export const ADMIN: Caller = { role: "admin" };

/** The ids of a job that decide who may see it. */
export type Scoped = {
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly plugin_id?: string | undefined;
};

const ID_FIELDS = ["agent_id", "user_id", "plugin_id"] as const;

/** Whether the caller may see the job. If not, the answer is as if it did not exist. A run's token opens no job. */
export function canSee(caller: Caller, job: Scoped): boolean {
  if (caller.role === "admin" || caller.role === "viewer") return true;
  if (caller.role === "run" || caller.role === "trigger") return false;
  return ID_FIELDS.every((field) => caller[field] === undefined || caller[field] === job[field]);
}

/** The fields of a job that say whether it is one of the operator's own. */
export type Kind = Pick<JobDefinition, "owner_kind" | "exec_scope">;

/** Whether the job is the operator's. Other callers who see it may neither change nor run it (docs/contract.md §17). */
const isOperators = (job: Kind): boolean => job.owner_kind === "system" || job.exec_scope === "all_users";

/** Whether a caller who sees the job may also change, delete and run it. */
export const canChange = (caller: Caller, job: Kind): boolean => caller.role === "admin" || !isOperators(job);

/** Whether a caller who sees the job may also read its runs. The runs of a job for all users belong to other users. */
export const canReadRuns = (caller: Caller, job: Kind): boolean =>
  caller.role === "admin" || caller.role === "viewer" || job.exec_scope !== "all_users";

/**
 * Whether a caller who may change the job may also run it. A token with a list of agents calls only these, and not the
 * default agent.
 */
export const canRun = (caller: Caller, { agent_id }: Pick<JobDefinition, "agent_id">): boolean =>
  agentsOf(caller)?.includes(agent_id ?? "") ?? true;

const agentsOf = (caller: Caller): readonly string[] | undefined => ("agents" in caller ? caller.agents : undefined);

/** The failure for a caller who may see the job but not change it. */
export const changeRefused = forbidden(
  "This job is the operator's: system jobs and jobs for all users are changed, run and deleted by the operator only.",
  "Make a job of your own with POST /v1/jobs, or ask the operator.",
);

/** The failure for a caller whose token may not call the job's agent. */
export const runRefused = forbidden(
  "This token is limited to some agents, and the job's is none of them.",
  "Use a token that may call the job's agent, or ask the operator.",
);

/** The failure for a caller who may see the job but not the runs of its users. */
export const runsRefused = forbidden(
  "The runs of a job for all users are other users': only the operator and viewers read them.",
  "GET /v1/jobs/{id}/fan-outs shows how the fan-outs went, in numbers.",
);

/** Whether the caller may report on this run. The run's own token may, and any token that sees the job and may write. */
export function canReport(caller: Caller, job: Scoped & { readonly id: string }, runId: string): boolean {
  if (caller.role === "run") return caller.job_id === job.id && caller.run_id === runId;
  return canSee(caller, job);
}

/**
 * A new job's input, completed with the ids of the caller's token. Someone else's id is `forbidden`. So is a kind of job
 * that only the operator or a plugin may create.
 */
export function claimJob(caller: Caller, input: JobInput): Outcome<JobInput> {
  if (caller.role === "admin") return ok(input);
  if (caller.role === "viewer" || caller.role === "run" || caller.role === "trigger") {
    return forbidden("This token may not make jobs.", "Use an agent's, user's or plugin's token, or the operator's.");
  }
  const claimed = { ...input };
  for (const field of ID_FIELDS) {
    const own = caller[field];
    if (own === undefined) continue;
    const given = claimed[field];
    if (given !== undefined && given !== "" && given !== own) return foreignId(field, own);
    claimed[field] = own;
  }
  if (caller.role === "plugin") claimed.owner_kind ??= "plugin";
  const [onlyAgent] = caller.agents ?? [];
  if (caller.agents?.length === 1 && !claimed.agent_id) claimed.agent_id = onlyAgent;
  return refuseKind(caller, claimed) ?? refuseAgent(caller, claimed) ?? ok(claimed);
}

/**
 * Checks whether a caller who sees a job may give it this form. The rules are those of creating it, but no id is filled in.
 */
export function refuseForeignForm(caller: Caller, next: JobInput): Failure | undefined {
  if (caller.role === "admin") return undefined;
  if (caller.role === "viewer" || caller.role === "run" || caller.role === "trigger") {
    return forbidden("This token may not change jobs.").error;
  }
  for (const field of ID_FIELDS) {
    const own = caller[field];
    if (own !== undefined && next[field] !== own) return foreignId(field, own).error;
  }
  return (refuseKind(caller, next) ?? refuseAgent(caller, next))?.error;
}

/**
 * Limits jobs of a token with a list of agents to these agents. A job that names no agent would go to the default one, so
 * it is refused too.
 */
function refuseAgent({ agents }: BoundCaller, { agent_id }: JobInput) {
  if (agents === undefined || agents.includes(agent_id ?? "")) return undefined;
  const names = agents.map((agent) => `"${agent}"`).join(", ");
  return refuseField(
    "agent_id",
    agent_id
      ? `Jobs of this token may not name the agent "${agent_id}".`
      : "Jobs of this token name one of its agents; without one it would be the default agent.",
    `Set agent_id to ${agents.length === 1 ? names : `one of ${names}`}.`,
  );
}

const foreignId = (field: string, own: string) =>
  refuseField(field, `This token is bound to ${field} "${own}".`, `Leave ${field} out, or set it to "${own}".`);

/** A `forbidden` that names its field, so the answer can list it among the other faults of a call. */
const refuseField = (path: string, detail: string, hint: string) =>
  forbidden(detail, hint, [{ path, message: `is not allowed: ${detail} ${hint}`.replace(/[.]$/, "") }]);

function refuseKind(caller: BoundCaller, input: JobInput) {
  if (input.exec_scope === "all_users") {
    return refuseField("exec_scope", "Only the operator makes all_users jobs.", 'Use exec_scope "user" or "system".');
  }
  if (input.owner_kind === "system") {
    return refuseField(
      "owner_kind",
      "System jobs are made by the operator through PUT /v1/jobs/ensure.",
      "Leave owner_kind out.",
    );
  }
  if (caller.user_id !== undefined && (input.exec_scope ?? "user") !== "user") {
    return refuseField(
      "exec_scope",
      "This token is bound to a user: its jobs run as that user.",
      'Leave exec_scope out, or set "user".',
    );
  }
  const isPluginJob = input.owner_kind === "plugin" || input.plugin_id !== undefined;
  if (caller.role === "plugin" ? input.owner_kind !== "plugin" : isPluginJob) {
    return refuseField(
      caller.role === "plugin" ? "owner_kind" : input.plugin_id === undefined ? "owner_kind" : "plugin_id",
      caller.role === "plugin"
        ? "A plugin's token makes plugin jobs only."
        : "Plugin jobs are made with a plugin's token.",
      caller.role === "plugin" ? 'Leave owner_kind out, or set "plugin".' : "Leave owner_kind and plugin_id out.",
    );
  }
  return undefined;
}

/** The failure of a POST that asks for a system job. The operator gets a 422, since only the path is wrong. */
export const systemNeedsEnsure = invalid(
  [{ path: "owner_kind", message: 'must be "user" or "plugin" here' }],
  "System jobs are made through PUT /v1/jobs/ensure, which creates or updates them by name.",
);
