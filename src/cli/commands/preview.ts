/** `reveille preview`: the fires of a schedule, before any job has it. */

import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { type Command, UsageError } from "../command.ts";
import { numberOf, SCHEDULE_OPTIONS, scheduleOf } from "../job-fields.ts";
import { WarningShape, warnOf } from "../jobs.ts";
import { json, relative, table } from "../render.ts";
import { connect, read } from "../service.ts";

const Preview = z.looseObject({
  description: z.string(),
  next: z.array(z.looseObject({ at: z.string(), local: z.string() })),
  warnings: z.array(WarningShape).optional(),
});

export const preview: Command = {
  name: "preview",
  summary: "Show when a schedule fires",
  positionals: [{ name: "CRON", about: 'a cron expression, "0 9 * * 1-5"', optional: true }],
  options: {
    ...SCHEDULE_OPTIONS,
    count: { type: "string", value: "N", about: "How many fires, 1 to 100 (5)" },
    from: { type: "string", value: "TIME", about: "The fires after this time (now)" },
  },
  examples: [
    "reveille preview '0 9 * * 1-5' --timezone Europe/Berlin",
    "reveille preview --every 36h --count 10",
    "reveille preview --rrule 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0'",
  ],
  async run(given, terminal) {
    const [cron] = given.positionals;
    if (cron !== undefined && given.text("cron") !== undefined)
      throw new UsageError("the cron expression is given twice");
    const schedule = { ...compact({ cron }), ...scheduleOf(given) };
    if (Object.keys(schedule).length === 0)
      throw new UsageError("no schedule was given: write a cron expression, or use --every, --at, ...");
    const count = given.text("count");
    const from = given.text("from");
    const service = await connect(given, terminal);
    const answered = await service.send("POST", "/v1/schedules/preview", {
      json: {
        schedule,
        ...(count === undefined ? {} : { count: numberOf("count", count) }),
        ...compact({ from }),
      },
    });
    if (given.flag("json")) {
      terminal.print(json(answered));
      return 0;
    }
    const { description, next, warnings } = read(Preview, answered);
    warnOf({ warnings }, terminal);
    terminal.print(description);
    const now = Date.now();
    if (next.length > 0)
      terminal.print(
        table(
          terminal,
          ["LOCAL", "UTC", ""],
          next.map(({ at, local }) => [local, at, relative(at, now)]),
        ),
      );
    return 0;
  },
};
