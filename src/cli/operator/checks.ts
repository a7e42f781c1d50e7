/**
 * The checks of the doctor, in this order. Each check asks the deployment over HTTP and changes nothing in it, except for a
 * token that soon expires. The judgements are in `judge.ts`.
 */

import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { complaint, type Deployment, unreachable } from "./deployment.ts";
import { type Finding, fine, wrong } from "./finding.ts";
import { failingJobs, judgeClock, judgeJobs, judgeMode, judgePublicUrl, judgeSweep, TICK_FRESH_MS } from "./judge.ts";

export type Check = { readonly name: string; look(deployment: Deployment): Promise<Finding> };

/** The wait for a tick: two minutes and a little, so that a late tick is still seen. */
export const TICK_LIMIT_MS = 130_000;
/** The pause between two looks. It is short enough that the directory stays awake and remembers the tick. */
const TICK_LOOK_MS = 3_000;
/** The number of jobs that are checked. More would take minutes. */
const MAX_JOBS = 10_000;

const Health = z.object({ status: z.literal("ok"), version: z.string() });
const Api = z.object({
  openapi: z.string(),
  info: z.object({ version: z.string() }),
  servers: z.array(z.object({ url: z.string() })).optional(),
});
const Token = z.object({ token: z.string(), expires_at: z.string() });
const Stats = z.object({
  mode: z.string(),
  user_jobs: z.boolean(),
  tick: z.object({ last_at: z.string().optional() }),
  sweep: z.object({ found_overdue: z.number() }),
});
const Jobs = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      next_run_at: z.string().optional(),
      consecutive_failures: z.number(),
      last_error: z.string().optional(),
      paused_reason: z.string().optional(),
    }),
  ),
  next_cursor: z.string().optional(),
});

const health: Check = {
  name: "health",
  async look({ call, url }) {
    const answer = await call("GET", "/healthz", { token: null });
    const read = Health.safeParse(answer.body).data;
    if (answer.status === 200 && read !== undefined) return fine(`Reveille ${read.version} answers`);
    return wrong(
      `/healthz ${complaint(answer)}`,
      `See that ${url} is Reveille's address; deploy with \`npx wrangler deploy\`.`,
    );
  },
};

const api: Check = {
  name: "api",
  async look({ call, url }) {
    const answer = await call("GET", "/openapi.json", { token: null });
    const read = Api.safeParse(answer.body).data;
    if (answer.status === 200 && read !== undefined)
      return judgePublicUrl(url, read.servers?.[0]?.url, read.info.version);
    return wrong(
      `/openapi.json ${complaint(answer)}`,
      "Set ADMIN_TOKEN and TOKEN_SECRET with `npx wrangler secret put NAME`; `npx wrangler tail` shows what else fails.",
    );
  },
};

const SECRETS = "Set it with `npx wrangler secret put ADMIN_TOKEN`, and give the doctor the same.";

const operator: Check = {
  name: "operator",
  async look({ call }) {
    const answer = await call("GET", "/v1/jobs?limit=1");
    if (answer.status === 200) return fine("ADMIN_TOKEN opens the API");
    return wrong(`with ADMIN_TOKEN /v1/jobs ${complaint(answer)}`, SECRETS);
  },
};

const strangers: Check = {
  name: "strangers",
  async look({ call }) {
    for (const [token, who] of [
      [null, "without a token"],
      ["not-a-token", "with a wrong token"],
    ] as const) {
      const answer = await call("GET", "/v1/jobs", { token });
      if (answer.status !== 401) {
        return wrong(
          `${who} /v1/jobs ${complaint(answer)}, not 401`,
          "Take it off the network: a proxy in front of it adds a token.",
        );
      }
    }
    return fine("calls without a token, or with a wrong one, are refused");
  },
};

const tokens: Check = {
  name: "tokens",
  async look({ call }) {
    const minted = await call("POST", "/v1/tokens", { json: { role: "viewer", expires_in: "5m" } });
    const made = Token.safeParse(minted.body).data;
    if (minted.status !== 201 || made === undefined) {
      return wrong(
        `POST /v1/tokens ${complaint(minted)}`,
        "Set TOKEN_SECRET with `npx wrangler secret put TOKEN_SECRET`.",
      );
    }
    const { token } = made;
    const read = await call("GET", "/v1/jobs?limit=1", { token });
    if (read.status !== 200) {
      return wrong(
        `with a new viewer's token /v1/jobs ${complaint(read)}`,
        "Deploy once more: two versions with different TOKEN_SECRETs may be live.",
      );
    }
    const write = await call("POST", "/v1/jobs?dry_run=true", { token, json: DRY_JOB });
    if (write.status === 403) return fine("a viewer's token reads, and cannot write");
    return wrong(`with a viewer's token POST /v1/jobs ${complaint(write)}, not 403`, "Report it as a security fault.");
  },
};

const DRY_JOB = { name: "doctor", message: "not stored", schedule: { every: "1h" } };

const clock: Check = {
  name: "clock",
  async look({ call }) {
    const minted = await call("POST", "/v1/tokens", { json: { role: "viewer", expires_in: "1m" } });
    const made = Token.safeParse(minted.body).data;
    if (made === undefined) return wrong(`POST /v1/tokens ${complaint(minted)}`, "See the check of tokens.");
    // It is the Worker's own clock, in whole seconds, rounded up. The Date header may be a proxy's.
    const theirs = Date.parse(made.expires_at) - 60_000 - 500;
    const date = minted.headers.get("date");
    return judgeClock(minted.at, theirs, date === null ? undefined : Date.parse(date));
  },
};

const directory: Check = {
  name: "directory",
  async look({ call }) {
    const answer = await call("GET", "/v1/stats");
    const stats = Stats.safeParse(answer.body).data;
    if (answer.status === 200 && stats !== undefined) return judgeMode(stats.mode, stats.user_jobs);
    return wrong(
      `/v1/stats ${complaint(answer)}`,
      "A shard of the directory does not answer: `npx wrangler tail` names it. After a change of SHARD_COUNT deploy the version before.",
    );
  },
};

/** Waits for a tick, at most `limitMs`. */
const tick = (limitMs: number): Check => ({
  name: "tick",
  async look({ call }) {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const answer = await call("GET", "/v1/stats");
      const lastAt = Stats.safeParse(answer.body).data?.tick.last_at;
      const age = lastAt === undefined ? undefined : Date.now() - Date.parse(lastAt);
      if (age !== undefined && age < TICK_FRESH_MS) return fine(`the Cron Trigger's tick came at ${lastAt}`);
      if (Date.now() >= deadline) {
        return wrong(
          `no tick of the Cron Trigger ${age === undefined ? `within ${limitMs / 1_000} s` : `for ${Math.round(age / 1_000)} s`}`,
          "Look at Workers > reveille > Settings > Triggers: there must be `* * * * *`. After a deploy it takes up to 15 minutes.",
        );
      }
      await sleep(Math.min(TICK_LOOK_MS, deadline - Date.now()));
    }
  },
});

const sweep: Check = {
  name: "sweep",
  async look({ call }) {
    const answer = await call("GET", "/v1/stats");
    const stats = Stats.safeParse(answer.body).data;
    return stats === undefined
      ? wrong(`/v1/stats ${complaint(answer)}`, "See the check of the directory.")
      : judgeSweep(stats.sweep.found_overdue);
  },
};

type ListedJob = z.infer<typeof Jobs>["items"][number];

/** The active jobs. Rejects with a sentence if a page cannot be read. */
async function activeJobs({
  call,
}: Deployment): Promise<{ readonly jobs: readonly ListedJob[]; readonly isAll: boolean }> {
  const jobs: ListedJob[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({
      state: "active,paused",
      limit: "100",
      ...compact({ cursor }),
    });
    const answer = await call("GET", `/v1/jobs?${query}`);
    const page = Jobs.safeParse(answer.body).data;
    if (answer.status !== 200 || page === undefined) throw new Error(`GET /v1/jobs ${complaint(answer)}`);
    jobs.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== undefined && jobs.length < MAX_JOBS);
  return { jobs, isAll: cursor === undefined };
}

const overdue: Check = {
  name: "jobs",
  async look(deployment) {
    const { jobs, isAll } = await activeJobs(deployment);
    return judgeJobs(jobs, isAll, Date.now());
  },
};

const failing: Check = {
  name: "failures",
  async look(deployment) {
    const { jobs } = await activeJobs(deployment);
    return failingJobs(jobs);
  },
};

/** All checks. If the deployment does not answer at all, the first fails and the others are not tried. */
export const checks = (tickLimitMs: number = TICK_LIMIT_MS): readonly Check[] => [
  health,
  api,
  operator,
  strangers,
  tokens,
  clock,
  directory,
  tick(tickLimitMs),
  sweep,
  overdue,
  failing,
];

/** The finding of a check, even if the network fails during it. */
export async function look(check: Check, deployment: Deployment): Promise<Finding> {
  try {
    return await check.look(deployment);
  } catch (error) {
    return wrong(unreachable(error), `See that ${deployment.url} is right and can be reached from here.`);
  }
}
