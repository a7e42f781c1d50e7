/** Jobs as commands name and show them. */
import * as z from "zod";
import { Failure } from "./command.ts";
import { oneLine, paintStatus, relative, table } from "./render.ts";
import { Refused, read, type Service } from "./service.ts";
import type { Terminal } from "./terminal.ts";

/** The argument that names a job. */
export const JOB = { name: "JOB", about: "the job's id, or its whole name" } as const;

export const WarningShape = z.looseObject({ path: z.string(), message: z.string() });

/** The fields of a job that are shown. A newer service may answer more. */
export const JobShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  health: z.string().optional(),
  schedule: z.looseObject({}),
  schedule_description: z.string().optional(),
  next_run_at: z.string().optional(),
  paused_until: z.string().optional(),
  next_run_after_pause: z.string().optional(),
  last_run_at: z.string().optional(),
  last_status: z.string().optional(),
  last_error: z.string().optional(),
  paused_reason: z.string().optional(),
  consecutive_failures: z.number().optional(),
  etag: z.string().optional(),
  warnings: z.array(WarningShape).optional(),
});
export type JobShape = z.infer<typeof JobShape>;

const Page = z.looseObject({ items: z.array(JobShape), next_cursor: z.string().optional() });
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A job by its id, or by its whole name. Rejects if there is none, or several have the name. */
export async function findJob(service: Service, named: string): Promise<JobShape> {
  if (ID.test(named)) {
    try {
      return read(JobShape, await service.send("GET", `/v1/jobs/${named}`));
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
    }
  }
  const query = { name: named, state: "active,paused,finished", limit: "10" };
  const { items } = read(Page, await service.send("GET", "/v1/jobs", { query }));
  const [job, other] = items;
  if (job === undefined)
    throw new Failure(`There is no job "${named}".`, "`reveille jobs list` shows the jobs that there are.");
  if (other !== undefined) {
    const ids = items.map(({ id }) => id).join(", ");
    throw new Failure(`${items.length} jobs are called "${named}": ${ids}`, "Name the one you mean by its id.");
  }
  return job;
}

/** A schedule in one line: `0 9 * * 1-5 Europe/Berlin`, `every 30m`. */
export function scheduleText(schedule: Readonly<Record<string, unknown>>): string {
  const { cron, every, at, rrule, manual, timezone } = schedule;
  const zone = typeof timezone === "string" ? ` ${timezone}` : "";
  if (typeof cron === "string") return `${cron}${zone}`;
  if (typeof every === "string") return `every ${every}`;
  if (typeof at === "string") return `at ${at}`;
  if (typeof rrule === "string") return `${oneLine(rrule)}${zone}`;
  return manual === true ? "manual" : JSON.stringify(schedule);
}

/** A table of jobs; `now` in epoch ms. */
export function jobTable(terminal: Terminal, jobs: readonly JobShape[], now: number): string {
  return table(
    terminal,
    ["ID", "NAME", "STATE", "NEXT", "LAST", "SCHEDULE"],
    jobs.map((job) => [
      job.id,
      job.name,
      paintStatus(terminal, job.health !== undefined && job.health !== "ok" ? job.health : job.state),
      relative(job.next_run_at ?? job.next_run_after_pause, now),
      job.last_status === undefined
        ? ""
        : `${paintStatus(terminal, job.last_status)} ${relative(job.last_run_at, now)}`,
      scheduleText(job.schedule),
    ]),
  );
}

/** Prints the warnings of an answer on stderr: things that are valid but may not be meant. */
export function warnOf({ warnings = [] }: Pick<JobShape, "warnings">, terminal: Terminal): void {
  for (const { path, message } of warnings) terminal.warn(`warning: ${path}: ${message}`);
}

/** Says what was done to a job, its warnings and its next fire. */
export function showJob(verb: string, answered: unknown, terminal: Terminal): void {
  const job = read(JobShape, answered);
  warnOf(job, terminal);
  terminal.print(`${verb} ${job.name} (${job.id}): ${paintStatus(terminal, job.state)}, ${comingOf(job)}.`);
}

/** The next fire of a job in words, or when it resumes by itself. */
function comingOf({ next_run_at, paused_until, next_run_after_pause: first }: JobShape): string {
  const now = Date.now();
  if (next_run_at !== undefined) return `it fires ${relative(next_run_at, now)}, at ${next_run_at}`;
  if (paused_until === undefined) return "nothing is scheduled";
  const resumes = `it resumes ${relative(paused_until, now)}, at ${paused_until}`;
  return first === undefined ? resumes : `${resumes}, and fires then at ${first}`;
}
