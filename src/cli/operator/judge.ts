/** The doctor's judgements: plain values in, a finding out. */
import { type Finding, fine, note, wrong } from "./finding.ts";

/** The age of a fresh tick. A tick comes every minute, and half a minute late is fine. */
export const TICK_FRESH_MS = 90_000;
/** The delay from which a job is overdue. An alarm may be a minute late on Cloudflare, and the sweep takes its time too. */
export const OVERDUE_AFTER_MS = 120_000;
/** The difference of clocks that is reported. Receivers refuse signatures that are 5 minutes off (Standard Webhooks). */
const SKEW_LIMIT_MS = 30_000;
/** The number of jobs in a line. */
const SHOWN = 3;

/** Judges the clocks, in epoch ms: this machine's, the Worker's, and the Date header's if there is one. */
export function judgeClock(here: number, workers: number, header: number | undefined): Finding {
  const skews = [workers - here, ...(header === undefined ? [] : [header - here])];
  const worst = skews.reduce((most, skew) => (Math.abs(skew) > Math.abs(most) ? skew : most), 0);
  const seconds = Math.round(Math.abs(worst) / 1_000);
  if (Math.abs(worst) <= SKEW_LIMIT_MS)
    return fine(`the deployment's clock and this machine's agree within ${Math.max(seconds, 1)} s`);
  return wrong(
    `the deployment's clock is ${seconds} s ${worst > 0 ? "ahead of" : "behind"} this machine's`,
    "Set this machine's clock (NTP). At 300 s agents refuse the signatures; tokens end too early or too late.",
  );
}

/** Judges PUBLIC_URL. `declared` is its value, from the API's description. */
export function judgePublicUrl(url: string, declared: string | undefined, version: string): Finding {
  const described = `the API of ${version} is described`;
  if (declared === undefined || declared === "/") {
    return note(
      `${described}; PUBLIC_URL is not set`,
      "Set it, so that agents report to one address however a job was made.",
    );
  }
  if (originOf(declared) === originOf(url)) return fine(described);
  return note(
    `${described}; agents report to ${declared}, not to ${url}`,
    "Set PUBLIC_URL, unless both are addresses of this deployment.",
  );
}

export function judgeMode(mode: string, userJobs: boolean): Finding {
  if (mode !== "normal")
    return wrong(`every shard answers, but MODE=${mode}: no job fires`, "Unset MODE and deploy, unless this is meant.");
  if (!userJobs)
    return note(
      "every shard answers; USER_JOBS=false: jobs of users do not fire",
      "Unset USER_JOBS, unless this is meant.",
    );
  return fine("every shard of the directory answers");
}

/** Judges the sweep. `found` are the overdue jobs that it has woken since the first deploy. */
export function judgeSweep(found: number): Finding {
  if (found === 0) return fine("the sweep has found nothing");
  return note(
    `the sweep has woken ${found} job${found === 1 ? "" : "s"} since the first deploy`,
    "If this grows, the platform loses alarms: look for errors in `npx wrangler tail`.",
  );
}

type Job = {
  readonly id: string;
  readonly name: string;
  readonly next_run_at?: string | undefined;
  readonly consecutive_failures: number;
  readonly last_error?: string | undefined;
  readonly paused_reason?: string | undefined;
};

/** Judges whether a job should have fired but has not. `now` is epoch ms. */
export function judgeJobs(jobs: readonly Job[], isAll: boolean, now: number): Finding {
  const late = jobs.filter(
    ({ next_run_at }) => next_run_at !== undefined && now - Date.parse(next_run_at) > OVERDUE_AFTER_MS,
  );
  const [first] = late;
  if (first === undefined) return fine(`none of ${isAll ? "" : "the newest "}${jobs.length} jobs is overdue`);
  return wrong(
    `${late.length} of ${jobs.length} jobs overdue: ${listed(late)}`,
    `GET /v1/jobs/${first.id}/explain says why. The sweep wakes them within 10 minutes, if the tick comes.`,
  );
}

/**
 * Judges the jobs whose last runs failed, and those that Reveille has paused. Such a fault is the agent's and not the
 * deployment's.
 */
export function failingJobs(jobs: readonly Job[]): Finding {
  const failing = jobs.filter(
    ({ consecutive_failures, paused_reason }) => consecutive_failures > 0 || paused_reason !== undefined,
  );
  const [first] = failing;
  if (first === undefined) return fine("no job is failing");
  return note(
    `${failing.length} of ${jobs.length} jobs failing: ${listed(failing)}`,
    `The first one's reason: ${first.paused_reason ?? first.last_error ?? "none given"}`,
  );
}

function listed(jobs: readonly Job[]): string {
  const shown = jobs.slice(0, SHOWN).map(({ id, name }) => `${id} (${name})`);
  return `${shown.join(", ")}${jobs.length > SHOWN ? ` and ${jobs.length - SHOWN} more` : ""}`;
}

const originOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).origin : undefined);
