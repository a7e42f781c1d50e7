/** The control in an agent's answer (docs/contract.md §15), and the job's fields that allow and limit it (§15, §16). */
import * as z from "zod";
import { DurationText, InstantText } from "./schedule.ts";

/**
 * The control for the API's description. A control of another shape does not fail the run; `domain/run/control.ts` names
 * its faults.
 */
export const Control = z
  .strictObject({
    next_in: DurationText.optional().meta({
      description: "The next fire comes this long from now, once, instead of the planned one. Needs the job's pacing.",
    }),
    next_at: InstantText.optional().meta({ description: "As next_in, at this time: RFC 3339 with an offset." }),
    done: z.boolean().optional().meta({ description: "true: the job is finished." }),
    pause: z.string().optional().meta({ description: "Pauses the job; the text is its paused_reason." }),
    unchanged: z.boolean().optional().meta({ description: "true: nothing new was found." }),
    cost_usd: z.number().min(0).optional().meta({ description: "What the run has cost, in US dollars." }),
    tokens: z.int().min(0).optional().meta({ description: "How many tokens the run has used." }),
  })
  .meta({
    id: "Control",
    description:
      "An agent's control of its job. Every field is optional and independent; faults are in the run's control_error.",
    examples: [{ next_in: "10m", unchanged: true, cost_usd: 0.012 }],
  });

export const Pacing = z
  .strictObject({
    min: DurationText.meta({
      description: "The soonest that a next fire may be asked for, 1s to 365d.",
      examples: ["1m"],
    }),
    max: DurationText.meta({ description: "The latest, min to 365d.", examples: ["1d"] }),
  })
  .meta({
    id: "Pacing",
    description: "Allows the agent to choose its next fire (control.next_in, next_at), within these bounds.",
  });

const money = z.number().positive().max(1_000_000_000);

export const Budget = z
  .strictObject({
    runs_per_day: z
      .int()
      .min(1)
      .optional()
      .meta({
        aliases: ["max_runs_per_day", "daily_runs", "runs_daily", "max_daily_runs"],
        description: "Runs that begin on a day.",
      }),
    usd_per_day: money.optional().meta({
      aliases: ["max_usd_per_day", "max_cost_per_day", "cost_per_day", "daily_cost", "daily_budget", "dollars_per_day"],
      description: "US dollars that runs report (control.cost_usd) on a day.",
    }),
    tokens_per_day: z
      .int()
      .min(1)
      .optional()
      .meta({
        aliases: ["max_tokens_per_day", "daily_tokens", "token_limit"],
        description: "Tokens that runs report (control.tokens) on a day.",
      }),
    usd_total: money.optional().meta({
      aliases: ["max_usd", "max_cost", "max_cost_usd", "cost_limit", "usd_limit", "total_usd", "total_cost"],
      description: "US dollars in the whole life of the job.",
    }),
  })
  .meta({
    id: "Budget",
    description:
      "A fire that finds one of them used up is skipped. A day is a calendar day of the schedule's zone, else of UTC.",
    examples: [{ runs_per_day: 50, usd_per_day: 5 }],
  });
export type Budget = z.infer<typeof Budget>;

const Spend = z.strictObject({ runs: z.int(), usd: z.number(), tokens: z.int() });

export const Spent = z
  .strictObject({ today: Spend, total: Spend })
  .meta({ id: "Spent", description: "The number of runs begun, and the cost that they have reported." });
