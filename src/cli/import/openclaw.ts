/** OpenClaw's `cron/jobs.json`. */

import * as z from "zod";
import { messageOf } from "../../domain/text/error-text.ts";
import { formatDuration } from "../../domain/time/duration.ts";
import { Failure } from "../command.ts";
import {
  type Foreign,
  type ForeignJob,
  type ImportOptions,
  NotCarriedOver,
  present,
  readEntries,
  shortened,
  textOf,
} from "./foreign.ts";

const Store = z.union([z.looseObject({ jobs: z.array(z.looseObject({})) }), z.array(z.looseObject({}))]);
const Job = z.looseObject({
  name: z.string().min(1),
  description: z.string().optional(),
  enabled: z.boolean().default(true),
  agentId: z.string().optional(),
  sessionTarget: z.string().optional(),
  wakeMode: z.string().optional(),
  createdAtMs: z.number().optional(),
  schedule: z.looseObject({ kind: z.string() }),
  payload: z.looseObject({ kind: z.string() }),
  delivery: z.looseObject({ mode: z.string().optional() }).optional(),
});
type Job = z.infer<typeof Job>;

/** The fields that are imported, or that do not matter for future runs. */
const KNOWN = [
  ...[
    "id",
    "name",
    "description",
    "enabled",
    "agentId",
    "sessionKey",
    "sessionTarget",
    "wakeMode",
    "schedule",
    "payload",
    "delivery",
  ],
  ...["state", "createdAtMs", "updatedAtMs", "deleteAfterRun", "version"],
];
const MAX_NAME_BYTES = 200;
const MAX_TIMEOUT_SECONDS = 600;

/** Reads a store. Throws a {@link Failure} if the file is not one. */
export function readOpenclaw(text: string, options: ImportOptions): Foreign {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure(`The file is no JSON: ${messageOf(error)}`);
  }
  const store = Store.safeParse(value).data;
  if (store === undefined)
    throw new Failure('The file is no cron store of OpenClaw: it must hold {"version": 1, "jobs": [...]}.');
  const jobs = Array.isArray(store) ? store : store.jobs;
  const entries = jobs.map((job, index) => [placeOf(job, index), job] as const);
  return readEntries(entries, (job) => readJob(job, options));
}

const placeOf = (job: object, index: number): string =>
  `jobs[${index}]${"name" in job && typeof job.name === "string" ? ` "${job.name}"` : ""}`;

function readJob(entry: object, options: ImportOptions): Omit<ForeignJob, "place"> {
  const unknown = Object.keys(entry).filter((field) => !KNOWN.includes(field));
  if (unknown.length > 0) throw new NotCarriedOver(`${unknown.join(", ")}: Reveille has nothing like it`);
  const read = Job.safeParse(entry);
  if (!read.success) throw new NotCarriedOver(z.prettifyError(read.error).replace(/\s*\n\s*/g, " "));
  const job = read.data;
  const { message, data, timeout } = workOf(job);
  const { jitter, ...schedule } = scheduleOf(job, options);
  const isDelivered = job.delivery?.mode !== undefined && job.delivery.mode !== "none";
  const payload = present({ ...data, delivery: isDelivered ? job.delivery : undefined });
  const notes = [
    ...(isDelivered
      ? [
          `its output went to a channel (${job.delivery?.mode}); the agent finds that in payload.delivery, and has to do it`,
        ]
      : []),
    ...(job.wakeMode === "next-heartbeat" ? ["it waited for the next heartbeat; here it runs at its time"] : []),
  ];
  return {
    fields: present({
      name: shortened(job.name, MAX_NAME_BYTES),
      description: job.description || undefined,
      message,
      schedule: present({ ...schedule, jitter }),
      agent_id: job.agentId || undefined,
      enabled: job.enabled ? undefined : false,
      // An isolated run begins its own conversation.
      session_mode: job.sessionTarget === "isolated" ? "new" : undefined,
      payload: Object.keys(payload).length > 0 ? payload : undefined,
      timeout,
    }),
    notes,
  };
}

type Work = { readonly message: string; readonly data: Record<string, unknown>; readonly timeout?: string | undefined };

function workOf({ payload }: Job): Work {
  if (payload.kind === "systemEvent") return { message: textOf(payload, "text"), data: {} };
  if (payload.kind !== "agentTurn")
    throw new NotCarriedOver(`a payload of kind "${payload.kind}" is not a message to an agent`);
  const { kind: _kind, message: _message, timeoutSeconds, ...data } = payload;
  const isTimed = typeof timeoutSeconds === "number" && timeoutSeconds >= 1;
  return {
    message: textOf(payload, "message"),
    data,
    timeout: isTimed ? `${Math.min(Math.floor(timeoutSeconds), MAX_TIMEOUT_SECONDS)}s` : undefined,
  };
}

function scheduleOf({ schedule, createdAtMs }: Job, { timezone, now }: ImportOptions): Record<string, unknown> {
  switch (schedule.kind) {
    case "at": {
      const at = timeOf(schedule.at ?? schedule.atMs);
      if (at <= now) throw new NotCarriedOver(`its time has passed: ${new Date(at).toISOString()}`);
      return { at: new Date(at).toISOString() };
    }
    case "every": {
      const everyMs = numberIn(schedule.everyMs);
      if (everyMs === undefined) throw new NotCarriedOver("schedule.everyMs is missing");
      // OpenClaw also counts from the job's creation if there is no anchor.
      const anchorMs = numberIn(schedule.anchorMs) ?? createdAtMs;
      const anchored = anchorMs === undefined ? {} : { starts_at: new Date(Math.max(anchorMs, 0)).toISOString() };
      return { every: formatDuration(Math.floor(everyMs)), ...anchored };
    }
    case "cron": {
      const { tz, staggerMs } = schedule;
      const jitter = typeof staggerMs === "number" && staggerMs > 0 ? formatDuration(staggerMs) : undefined;
      const expression = textOf(schedule, typeof schedule.expr === "string" ? "expr" : "cron").trim();
      return { cron: expression, timezone: typeof tz === "string" && tz.trim() !== "" ? tz.trim() : timezone, jitter };
    }
    default:
      throw new NotCarriedOver(`a schedule of kind "${schedule.kind}" is not known`);
  }
}

/** A number, or a number as text, which older stores of OpenClaw have. */
function numberIn(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** A time from epoch ms or text. In OpenClaw, text without an offset is UTC. */
function timeOf(value: unknown): number {
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? value.trim() : "";
  const at = Date.parse(
    /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : /^\d{4}-\d\d-\d\d$/.test(text) ? text : `${text}Z`,
  );
  if (Number.isNaN(at)) throw new NotCarriedOver(`"${text}" is no time`);
  return at;
}
