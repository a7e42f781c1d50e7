/** The advice in answers that create or change a job (docs/contract.md §13): warnings, the schedule in words, the time. */
import { findAgent } from "../directory/agents.ts";
import { mayHaveActiveUsers } from "../directory/roster.ts";
import type { Caller } from "../domain/job/access.ts";
import { ownerOf } from "../domain/job/definition.ts";
import { narrowToCaller } from "../domain/job/job-filter.ts";
import { type JobSurroundings, jobWarnings } from "../domain/job/job-warnings.ts";
import { compileSchedule } from "../domain/time/compile-schedule.ts";
import { describe } from "../domain/time/describe.ts";
import { formatInstant } from "../domain/time/instant.ts";
import { jitterDelay } from "../domain/time/jitter.ts";
import type { Schedule } from "../domain/time/schedule.ts";
import type { Env, Settings } from "../env.ts";
import { registeredActiveUsers } from "../hooks/active-users.ts";
import { registeredBuiltin } from "../hooks/builtins.ts";
import { registeredJobHandler } from "../hooks/job-hooks.ts";
import { logError } from "../log.ts";
import { shardFor } from "../objects/directory.ts";
import type { JobDefinition } from "../schema/job.ts";
import type { Advice } from "../schema/warning.ts";

export type AdviceCall = {
  readonly env: Env;
  readonly settings: Settings;
  readonly caller: Caller;
  /** Epoch ms. */
  readonly now: number;
  /** The body as it was sent, which shows whether it gives `timeout`. */
  readonly sent: unknown;
};

/** A job that was created or changed, or would be. In the second case it has no id. */
export type AdvisedJob = JobDefinition & { readonly id?: string; readonly next_run_at?: string | undefined };

const DEFAULT_TIMEOUT = "5m";

/** The advice about the job. Never throws, since the job already exists. Advice that is not available is left out. */
export async function adviceOf(call: AdviceCall, job: AdvisedJob): Promise<Advice> {
  const now = formatInstant(call.now);
  const schedule = compileSchedule(job.schedule, { tickAligned: false });
  if (!schedule.ok) return { schedule_description: "Invalid schedule", now };
  const said = { schedule_description: describe(schedule.value), now };
  try {
    const warnings = jobWarnings(job, schedule.value, await surroundingsOf(call, job, schedule.value));
    return warnings.length === 0 ? said : { warnings, ...said };
  } catch (error) {
    logError("The warnings for a job could not be computed", { job_id: job.id }, error);
    return said;
  }
}

async function surroundingsOf(call: AdviceCall, job: AdvisedJob, { jitterMs }: Schedule): Promise<JobSurroundings> {
  const [agent, namesake, hasUsers] = await Promise.all([
    agentFor(call, job),
    namesakeOf(call, job),
    hasUsersFor(call, job),
  ]);
  const next = job.next_run_at === undefined ? undefined : Date.parse(job.next_run_at);
  const hasSent = (field: string) => typeof call.sent === "object" && call.sent !== null && field in call.sent;
  return {
    now: call.now,
    firstAt: next === undefined ? undefined : next - jitterDelay(job.id ?? "", jitterMs),
    agent,
    namesake,
    hasUsers,
    catchupGiven: hasSent("catchup_window"),
    timeoutGiven: hasSent("timeout") || job.timeout !== DEFAULT_TIMEOUT,
  };
}

async function agentFor({ env, settings, now }: AdviceCall, job: JobDefinition): Promise<JobSurroundings["agent"]> {
  if (registeredJobHandler() !== undefined || registeredBuiltin(job.name)?.handler !== undefined) return "there";
  if (job.agent_id === undefined) {
    const { AGENT_URL, AGENT_ID } = settings;
    return env.AGENT === undefined && AGENT_URL === undefined && AGENT_ID === undefined ? "missing" : "there";
  }
  return (await findAgent(env, settings, job.agent_id, now)) === undefined ? "unregistered" : "there";
}

/** Whether a fan-out would find users, as far as that is known without a walk. Only the roster can tell. */
const hasUsersFor = async ({ env, settings, now }: AdviceCall, { exec_scope }: JobDefinition): Promise<boolean> =>
  exec_scope !== "all_users" ||
  registeredActiveUsers() !== undefined ||
  settings.ACTIVE_USERS_URL !== undefined ||
  mayHaveActiveUsers(env, settings, now);

/** Another unfinished job of the same owner with this name, among those that the caller may see. */
async function namesakeOf({ env, caller }: AdviceCall, job: AdvisedJob): Promise<{ readonly id: string } | undefined> {
  const filter = narrowToCaller({ name: job.name }, caller);
  if (filter === undefined) return undefined;
  const owner = ownerOf(job);
  const entries = await shardFor(env, owner).list({ filter, owners: [owner], limit: 2 });
  return entries.find((entry) => entry.id !== job.id);
}
