/** `POST /v1/schedules/preview`: the fires of a schedule, before any job is created with it. */
import * as z from "zod";
import { invalid } from "../../domain/failure.ts";
import { Fire, showFires } from "../../domain/job/fires.ts";
import { ok } from "../../domain/result.ts";
import { checkFuture } from "../../domain/time/check-future.ts";
import { compileSchedule, settleIn } from "../../domain/time/compile-schedule.ts";
import { describe } from "../../domain/time/describe.ts";
import { bindFires } from "../../domain/time/fires.ts";
import { parseInstant } from "../../domain/time/instant.ts";
import { scheduleWarnings } from "../../domain/time/schedule-warnings.ts";
import { InstantText, ScheduleSpec } from "../../schema/schedule.ts";
import { Advice } from "../../schema/warning.ts";
import { reply, route } from "../route.ts";

const preview = route({
  method: "post",
  path: "/v1/schedules/preview",
  access: "read",
  id: "previewSchedule",
  tag: "Schedules",
  summary: "Show when a schedule fires",
  description:
    "It is checked like that of a new job created at `from`. The delay of `jitter` belongs to a job and is left out.",
  body: {
    schema: z
      .strictObject({
        schedule: ScheduleSpec,
        count: z.int().min(1).max(100).default(5).meta({ description: "How many fires to show." }),
        from: InstantText.optional().meta({
          description: "Show the fires after this time, which is also the anchor of `every`; default now.",
          examples: ["2027-01-01T00:00:00Z"],
        }),
      })
      .meta({ examples: [{ schedule: { cron: "30 2 * * *", timezone: "America/New_York" }, count: 3 }] }),
  },
  answers: {
    200: {
      description: "The fires (fewer if the schedule ends), and the schedule in plain English.",
      schema: z.strictObject({
        next: z.array(Fire).readonly(),
        description: z.string(),
        warnings: Advice.shape.warnings,
      }),
    },
  },
  async handle({ body, now }) {
    const from = body.from === undefined ? ok(now) : parseInstant(body.from);
    const spec = settleIn(body.schedule, from.ok ? from.value : now);
    const schedule = compileSchedule(spec, { tickAligned: false });
    if (!schedule.ok || !from.ok) {
      return invalid([
        ...(schedule.ok ? [] : schedule.error),
        ...(from.ok ? [] : [{ path: "from", message: from.error }]),
      ]);
    }
    const over = checkFuture(schedule.value, from.value, from.value);
    if (over.length > 0) return invalid(over);
    const next = showFires(schedule.value, from.value, body.count);
    const first = bindFires(schedule.value, { anchorAt: from.value }).next(from.value) ?? undefined;
    const warnings = scheduleWarnings(spec, schedule.value, first);
    const description = describe(schedule.value);
    return reply(200, { next, description, ...(warnings.length === 0 ? {} : { warnings }) });
  },
});

export const scheduleRoutes = [preview] as const;
