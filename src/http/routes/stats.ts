/** `GET /v1/stats`: the numbers of jobs and users, whether jobs fire at all, and the sweep's findings. */

import * as z from "zod";
import { countJobs } from "../../directory/jobs-index.ts";
import { countUsers } from "../../directory/roster.ts";
import { tickStats } from "../../directory/tick.ts";
import { compact } from "../../domain/compact.ts";
import { formatInstant } from "../../domain/time/instant.ts";
import type { ExecScope, JobState } from "../../schema/job.ts";
import { reply, route } from "../route.ts";

const count = z.int().min(0);

const Stats = z
  .strictObject({
    jobs: z.strictObject({
      total: count,
      by_state: z.strictObject({ active: count, paused: count, finished: count }),
      by_scope: z.strictObject({ system: count, user: count, all_users: count }),
    }),
    users: z.strictObject({
      total: count,
      active: count.meta({ description: "Those that a fan-out would run for now." }),
    }),
    mode: z.enum(["normal", "stopped", "ephemeral"]),
    user_jobs: z.boolean().meta({ description: "false: jobs with exec_scope user or all_users are held." }),
    tick: z.strictObject({
      stood_in: count.meta({
        description: "How often no tick had come for two minutes, and an alarm or a call did its work.",
      }),
      last_at: z.string().optional().meta({
        description:
          "When the work of a tick was done last, by the Cron Trigger or a stand-in; left out if there was none.",
      }),
    }),
    sweep: z.strictObject({
      found_overdue: count.meta({
        description: "Overdue jobs that were found and woken since the first deploy. It should stay 0.",
      }),
      checked: count.optional().meta({ description: "Jobs that the last sweep looked at, if known." }),
    }),
  })
  .meta({ id: "Stats" });

const stats = route({
  method: "get",
  path: "/v1/stats",
  access: "admin_read",
  id: "getStats",
  tag: "Service",
  summary: "Count jobs and users",
  answers: { 200: { description: "The counts.", schema: Stats } },
  async handle({ env, settings, now }) {
    const [counts, users, ticks] = await Promise.all([countJobs(env), countUsers(env, settings, now), tickStats(env)]);
    const { foundOverdue, checked, lastTickAt } = ticks;
    const sum = (matches: (one: (typeof counts)[number]) => boolean): number =>
      counts.filter(matches).reduce((total, one) => total + one.count, 0);
    const ofState = (state: JobState): number => sum((one) => one.state === state);
    const ofScope = (scope: ExecScope): number => sum((one) => one.execScope === scope);
    return reply(200, {
      jobs: {
        total: sum(() => true),
        by_state: { active: ofState("active"), paused: ofState("paused"), finished: ofState("finished") },
        by_scope: { system: ofScope("system"), user: ofScope("user"), all_users: ofScope("all_users") },
      },
      users,
      mode: settings.MODE,
      user_jobs: settings.USER_JOBS,
      tick: {
        stood_in: ticks.stoodIn,
        ...(lastTickAt === undefined ? {} : { last_at: formatInstant(lastTickAt) }),
      },
      sweep: { found_overdue: foundOverdue, ...compact({ checked }) },
    });
  },
});

export const statsRoutes = [stats] as const;
