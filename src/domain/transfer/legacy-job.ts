/**
 * Jobs as the Go original wrote them to jobs.json, in the fields of docs/contract.md §2. Go writes an empty field as `""`,
 * 0, null or the year 1. The original keeps its early plugin jobs in an envelope inside `message`, and accepts more forms
 * of `exec_scope`. Nothing gets lost: each job does here what it did there.
 */
import { err, ok, type Result } from "../result.ts";
import { ENVELOPE_PREFIX, readPluginJob } from "./plugin-job.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Go's zero time, in any offset. */
const ZERO_TIME = /^0001-01-01T00:00:00/;
const EVERY = /^@every\s+(\S+)$/;
const SCOPES: readonly unknown[] = ["system", "user", "all_users"];

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The item without the values that mean "nothing": null, `""`, the zero time, and the user 0. */
export function withoutEmpty(item: Fields): Fields {
  const kept = Object.entries(item).filter(([key, value]) => !isEmpty(value) && !(key === "user_id" && value === 0));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, key === "schedule" && isFields(value) ? withoutEmpty(value) : value]),
  );
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === "" || (typeof value === "string" && ZERO_TIME.test(value));

/**
 * A job of the original as one of ours, unchecked. `item` has no empty fields. Errors: the reason why it cannot become one.
 */
export function fromLegacy(item: Fields): Result<Fields, string> {
  const { org_id: _org, dispatch_kind, ...given } = item;
  if (dispatch_kind !== undefined && dispatch_kind !== "chat") {
    return err(
      `dispatch_kind: ${JSON.stringify(dispatch_kind)} is nothing that can be run here; only chat jobs can be imported`,
    );
  }
  const opened = openEnvelope(given);
  if (!opened.ok) return opened;
  const { user_id, exec_scope, ...fields } = opened.value;
  const isPlugin =
    fields.owner_kind === "plugin" || (fields.owner_kind === undefined && fields.plugin_id !== undefined);
  const userId = typeof user_id === "number" && Number.isSafeInteger(user_id) ? String(user_id) : user_id;
  // In the original, "user" without a user ran as the system. A user beside another scope had no effect.
  const scope = isPlugin ? "system" : SCOPES.includes(exec_scope) ? exec_scope : undefined;
  const runsAsUser = (scope === undefined || scope === "user") && userId !== undefined;
  return ok({
    ...fields,
    ...(isPlugin ? { session_mode: "reuse" } : {}),
    ...(runsAsUser ? { user_id: userId } : {}),
    ...(scope === undefined || scope === "user" ? {} : { exec_scope: scope }),
    ...(isFields(fields.schedule) ? { schedule: plainSchedule(fields.schedule) } : {}),
    ...lastStatus(fields),
  });
}

/** An early plugin job, with its fields taken out of its message. A job that names no runtime gets its plugin's name. */
function openEnvelope(item: Fields): Result<Fields, string> {
  const { message, ...rest } = item;
  if (typeof message !== "string" || !message.startsWith(ENVELOPE_PREFIX)) return ok(item);
  const job = readPluginJob(message);
  if (job === undefined) {
    return err(
      `message: begins with ${ENVELOPE_PREFIX} but does not go on with the JSON of a plugin job (plugin_id, key, runtime_name, payload, description)`,
    );
  }
  const { runtime_name, payload, description, ...ids } = job;
  return ok({
    ...rest,
    ...ids,
    owner_kind: "plugin",
    runtime_name: runtime_name || job.plugin_id,
    ...(Object.keys(payload).length === 0 ? {} : { payload }),
    ...(description ? { description } : {}),
  });
}

/** robfig/cron takes `@every 30m` as an expression; here it is an interval. */
function plainSchedule(schedule: Fields): Fields {
  const every = typeof schedule.cron === "string" ? EVERY.exec(schedule.cron)?.[1] : undefined;
  if (every === undefined || schedule.every !== undefined) return schedule;
  const { cron: _cron, ...rest } = schedule;
  return { ...rest, every };
}

/** The original kept an error until the next successful run, and no status beside it. */
function lastStatus({ last_status, last_run_at, last_error }: Fields): Fields {
  if (last_status !== undefined || last_run_at === undefined) return {};
  return { last_status: last_error === undefined ? "success" : "error" };
}
