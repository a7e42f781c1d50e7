/** The forecast of jobs, day by day, and its cost (`GET /v1/forecast`). */
import * as z from "zod";
import { ExecScope } from "./job.ts";

const usd = z.number().optional().meta({
  description:
    "US dollars: the runs at the average cost of the job's runs so far. Left out for a job that has not run.",
});
const tokens = z.int().optional().meta({ description: "Tokens, as `usd`." });
const fires = z.int().meta({ description: "How often the schedule fires, within exclusions, bounds and max_runs." });
const runs = z.int().meta({
  description:
    "The runs of these fires. A job for all users has one for each user of its last fan-out. Beyond the budget there are none.",
});

export const DayForecast = z
  .strictObject({
    day: z.string().meta({ description: "A calendar day of `timezone`.", examples: ["2026-11-28"] }),
    fires,
    runs,
    usd,
    tokens,
  })
  .meta({ id: "DayForecast" });
export type DayForecast = z.infer<typeof DayForecast>;

export const JobForecast = z
  .strictObject({
    job_id: z.string(),
    name: z.string(),
    agent_id: z.string().optional(),
    user_id: z.string().optional(),
    plugin_id: z.string().optional(),
    exec_scope: ExecScope,
    fires,
    runs,
    usd,
    tokens,
    average: z
      .strictObject({ usd: z.number(), tokens: z.int() })
      .optional()
      .meta({ description: "The average cost of one run so far." }),
    estimated: z.literal(true).optional().meta({
      description: "true: the later days of a rule that fires very often are estimated from the first ones.",
    }),
    days: z.array(DayForecast).readonly().meta({ description: "The days on which it fires." }),
  })
  .meta({ id: "JobForecast" });
export type JobForecast = z.infer<typeof JobForecast>;
