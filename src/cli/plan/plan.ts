/** The changes that a job file would make. The service checks every job before anything is changed. */

import * as z from "zod";
import { KEY_LABEL, NAMESPACE_LABEL } from "../../schema/file-labels.ts";
import { Failure } from "../command.ts";
import { isFields } from "../job-body.ts";
import { JobShape } from "../jobs.ts";
import { Refused, read, type Service } from "../service.ts";
import { type Difference, differences, type Fields, isEqual } from "./differences.ts";
import { type JobFile, withLabels } from "./job-file.ts";
import { isOverAt } from "./over.ts";

export type Step =
  | { readonly kind: "create"; readonly key: string; readonly fields: Fields; readonly next: readonly string[] }
  | {
      readonly kind: "change";
      readonly key: string;
      readonly id: string;
      readonly etag: string | undefined;
      readonly changes: readonly Difference[];
      /** The next fires, before and after. */
      readonly before: readonly string[];
      readonly after: readonly string[];
    }
  /** A job of the namespace that the file does not contain. */
  | { readonly kind: "delete"; readonly key: string; readonly id: string; readonly name: string }
  | { readonly kind: "keep"; readonly key: string; readonly id: string | undefined; readonly why: string };

export type Plan = {
  readonly namespace: string;
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
};

const SHOWN_FIRES = 3;
const PAGE = "100";
const UNPROCESSABLE = 422;

const Page = z.looseObject({ items: z.array(JobShape), next_cursor: z.string().optional() });
const Dry = z.looseObject({
  job: z.looseObject({}),
  next: z.array(z.looseObject({ at: z.string() })),
  warnings: z.array(z.looseObject({ path: z.string(), code: z.string(), message: z.string() })).optional(),
});
const Preview = z.looseObject({ next: z.array(z.looseObject({ at: z.string() })) });

/**
 * Compares the file with the stored jobs. `now` is epoch ms. Rejects with a {@link Failure} that names every refused job.
 */
export async function makePlan(service: Service, file: JobFile, now: number): Promise<Plan> {
  const existing = await jobsOf(service, file.namespace);
  const refused: string[] = [];
  const steps: Step[] = [];
  const warnings: string[] = [];
  for (const [key, fields] of file.jobs) {
    try {
      const { step, warnings: found } = await stepFor(service, file, key, fields, existing.get(key), now);
      steps.push(step);
      warnings.push(...found.map((line) => `jobs.${key}.${line}`));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // A fault of one job belongs to that job. An error that would stop every call does not.
      if (error instanceof Refused && (error.status === 401 || error.status >= 500)) throw error;
      if (!(error instanceof Refused)) throw error;
      refused.push(`jobs.${key}: ${error.message}`);
    }
  }
  if (refused.length > 0)
    throw new Failure(`Refused; nothing was changed:\n${refused.map((line) => `  ${line}`).join("\n")}`);
  for (const [key, { id, name }] of existing) if (!file.jobs.has(key)) steps.push({ kind: "delete", key, id, name });
  return { namespace: file.namespace, steps, warnings };
}

/** The jobs of a namespace by KEY, including finished ones. */
async function jobsOf(service: Service, namespace: string): Promise<ReadonlyMap<string, JobShape>> {
  const found = new Map<string, JobShape>();
  let cursor: string | undefined;
  do {
    const query = { label: `${NAMESPACE_LABEL}:${namespace}`, state: "active,paused,finished", limit: PAGE, cursor };
    const page = read(Page, await service.send("GET", "/v1/jobs", { query }));
    for (const job of page.items) {
      const labels = isFields(job.labels) ? job.labels : {};
      const key = labels[KEY_LABEL];
      if (typeof key !== "string") continue;
      const other = found.get(key);
      if (other !== undefined) {
        throw new Failure(
          `Two jobs are ${namespace}/${key}: ${other.id} and ${job.id}.`,
          "Delete one of them: reveille jobs delete ID",
        );
      }
      found.set(key, job);
    }
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}

type Checked = { readonly step: Step; readonly warnings: readonly string[] };

async function stepFor(
  service: Service,
  file: JobFile,
  key: string,
  fields: Fields,
  job: JobShape | undefined,
  now: number,
): Promise<Checked> {
  const sent = withLabels(file, key, fields);
  const isPast = isOverAt(fields.schedule, now);
  if (isPast && job === undefined) return keep(key, undefined, "its time has passed");
  // The service refuses a past schedule for a new job, although the job that has run still has it.
  const isSame = job !== undefined && isEqual(fields.schedule, job.schedule);
  const { dry, isOver } = await checked(service, sent, isSame, isPast);
  const wanted = isOver ? { ...dry.job, schedule: fields.schedule } : dry.job;
  const warnings = (dry.warnings ?? [])
    .filter(
      ({ code, path }) => !(code === "duplicate_name" && job !== undefined) && !(isOver && path.startsWith("schedule")),
    )
    .map(({ path, message }) => `${path}: ${message}`);
  const after = dry.next.slice(0, SHOWN_FIRES).map((fire) => fire.at);
  if (job === undefined) return { step: { kind: "create", key, fields: sent, next: after }, warnings };
  const changes = differences(job, wanted, sent);
  if (changes.length === 0) return { ...keep(key, job.id, "as it is"), warnings };
  const before = await nextFires(service, job);
  const isMoved = changes.some(({ field }) => field.startsWith("schedule"));
  const isResumed = changes.some(({ field, after: enabled }) => field === "enabled" && enabled === true);
  const isPaused = changes.some(({ field, after: enabled }) => field === "enabled" && enabled === false);
  const isPausedNow = job.state === "paused" && !isResumed;
  const next = isPaused || isPausedNow || isOver ? [] : isMoved || isResumed ? after : before;
  return { step: { kind: "change", key, id: job.id, etag: job.etag, changes, before, after: next }, warnings };
}

const keep = (key: string, id: string | undefined, why: string): Checked => ({
  step: { kind: "keep", key, id, why },
  warnings: [],
});

/** A valid schedule that stands in for one whose time has passed. */
const STAND_IN = { every: "1d" };

/**
 * The service's reading of a job. A job that already has its schedule is not refused for a past time, by our clock or by
 * the service's.
 */
async function checked(service: Service, sent: Fields, isSame: boolean, isPast: boolean) {
  const standIn = { ...sent, schedule: STAND_IN };
  if (isSame && isPast) return { dry: await dryRun(service, standIn), isOver: true };
  try {
    return { dry: await dryRun(service, sent), isOver: false };
  } catch (error) {
    const isOver = isSame && error instanceof Refused && error.paths.some((path) => path.startsWith("schedule"));
    if (!isOver) throw error;
    return { dry: await dryRun(service, standIn), isOver };
  }
}

async function dryRun(service: Service, fields: Fields): Promise<z.infer<typeof Dry>> {
  return read(Dry, await service.send("POST", "/v1/jobs", { json: fields, query: { dry_run: "true" } }));
}

/** The next fires of an existing job. */
async function nextFires(service: Service, job: JobShape): Promise<readonly string[]> {
  const { next_run_at: first, schedule } = job;
  if (first === undefined) return [];
  if (!("cron" in schedule) && !("rrule" in schedule) && typeof schedule.every !== "string") return [first];
  // It asks from just before the first fire, since an interval is counted from there.
  const from = new Date(Date.parse(first) - 1).toISOString();
  const { ends_at, jitter: _jitter, max_runs: _runs, ...rest } = schedule;
  const anchored = "every" in schedule ? { ...rest, starts_at: first } : rest;
  const bounded = ends_at === undefined ? anchored : { ...anchored, ends_at };
  try {
    const json = { schedule: bounded, from, count: SHOWN_FIRES };
    const { next } = read(Preview, await service.send("POST", "/v1/schedules/preview", { json }));
    return next.map(({ at }) => at);
  } catch (error) {
    if (error instanceof Refused && error.status === UNPROCESSABLE) return [first];
    throw error;
  }
}
