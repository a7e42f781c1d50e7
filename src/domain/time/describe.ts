/** Schedules in plain English, for people and language models to check what they asked for. */
import cronstrue from "cronstrue";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../schema/limits.ts";
import type { ScheduleSpec } from "../../schema/schedule.ts";
import { compileSchedule } from "./compile-schedule.ts";
import { type CronExpression, parseCron } from "./cron-syntax.ts";
import { formatDuration } from "./duration.ts";
import { formatInstant, formatLocal } from "./instant.ts";
import { scheduleZone } from "./schedule.ts";

/**
 * One sentence such as `At 09:00, Monday through Friday (Europe/Berlin), each fire delayed by the job's fixed part of
 * 5m, until 2027-01-01T00:00:00.000Z`. A spec that does not compile is described as invalid.
 */
export function describeSchedule(spec: ScheduleSpec): string {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok) return "Invalid schedule";
  const { timing, startsAt, endsAt, jitterMs, maxRuns } = compiled.value;
  const clauses: string[] = [];
  if (timing.kind === "every") clauses.push(`Every ${interval(timing.everyMs)}`);
  if (timing.kind === "at") clauses.push(`Once, at ${formatLocal(timing.at, scheduleZone(compiled.value))}`);
  if (timing.kind === "cron") clauses.push(`${describeCron(spec.cron ?? "")} (${timing.timeZone})`);
  if (jitterMs > 0) clauses.push(`each fire delayed by a fixed part of ${formatDuration(jitterMs)}`);
  if (startsAt !== undefined) clauses.push(`from ${formatInstant(startsAt)}`);
  if (spec.ends_at !== undefined) clauses.push(`until ${formatInstant(endsAt)}`);
  if (maxRuns !== undefined) clauses.push(`at most ${maxRuns === 1 ? "1 run" : `${maxRuns} runs`}`);
  return clauses.join(", ");
}

function describeCron(text: string): string {
  const expression = parseCron(text);
  if (!expression.ok) return "Invalid cron expression";
  const fields = plainFields(expression.value).join(" ");
  try {
    return cronstrue.toString(fields, { use24HourTimeFormat: true });
  } catch {
    // cronstrue has no words for a list of W days; the expression itself is then the plainest description.
    return `By the cron expression ${fields}`;
  }
}

/** The fields as written, except where cronstrue would stumble: a `*` within a list, `?`, `WL`. */
function plainFields({ canonical, fields }: CronExpression): string[] {
  const plain = canonical.split(" ");
  return fields.map((field, index) => {
    const read = plain[index] ?? field;
    return read === "*" || read === "LW" || field.includes("?") ? read : field;
  });
}

/** `30 minutes`, `hour`, `1 hour 30 minutes`: read after "Every". */
function interval(ms: number): string {
  const day = 24 * HOUR_MS;
  if (ms % day === 0 && ms > day) return `${ms / day} days`;
  const parts = [
    [Math.floor(ms / HOUR_MS), "hour"],
    [Math.floor((ms % HOUR_MS) / MINUTE_MS), "minute"],
    [(ms % MINUTE_MS) / SECOND_MS, "second"],
  ] as const;
  const words = parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => (count === 1 ? `1 ${unit}` : `${count} ${unit}s`));
  const [only = ""] = words;
  return words.length === 1 && only.startsWith("1 ") ? only.slice(2) : words.join(" ");
}
