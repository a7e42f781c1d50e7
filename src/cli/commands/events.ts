/** `reveille events`: what happened, over all jobs. */
import { compact } from "../../domain/compact.ts";
import type { Command } from "../command.ts";
import { EventPage, paintType } from "../events.ts";
import { findJob } from "../jobs.ts";
import { CURSOR, warnOfMore } from "../pages.ts";
import { json, relative, table } from "../render.ts";
import { answer, connect, read } from "../service.ts";
import { timeAgo } from "../times.ts";

export const events: Command = {
  name: "events",
  summary: "List what went wrong, recovered or was paused, newest first",
  options: {
    type: {
      type: "string",
      value: "TYPES",
      about: "A comma list: run.failed, run.recovered, job.paused, job.overdue, ...",
    },
    "job-id": { type: "string", value: "JOB", aliases: ["job"], about: "Of this job, by id or name" },
    "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "Of this agent's jobs" },
    "user-id": { type: "string", value: "ID", aliases: ["user"], about: "Of this user's jobs" },
    since: { type: "string", value: "WHEN", about: "From this time on: RFC 3339, or 24h ago" },
    until: { type: "string", value: "WHEN", about: "Up to this time" },
    limit: { type: "string", value: "N", about: "1 to 100 (50)" },
    cursor: CURSOR,
  },
  examples: ["reveille events --since 24h", "reveille events --type run.failed,job.paused --json"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const now = Date.now();
    const job = given.text("job-id");
    const query = compact({
      type: given.text("type"),
      job_id: job === undefined ? undefined : (await findJob(service, job)).id,
      agent_id: given.text("agent-id"),
      user_id: given.text("user-id"),
      since: timeAgo(given.text("since"), now),
      until: timeAgo(given.text("until"), now),
      limit: given.text("limit"),
      cursor: given.text("cursor"),
    });
    const answered = await answer(service.client.v1.events.$get({ query }));
    if (given.flag("json")) terminal.print(json(answered));
    else {
      const { items, next_cursor } = read(EventPage, answered);
      const rows = items.map(({ at, type, job_name = "", message }) => [
        relative(at, now),
        paintType(terminal, type),
        job_name,
        message,
      ]);
      terminal.print(items.length === 0 ? "Nothing happened." : table(terminal, ["AT", "EVENT", "JOB", "WHAT"], rows));
      warnOfMore(terminal, next_cursor);
    }
    return 0;
  },
};
