/**
 * Builtin jobs (docs/contract.md §10): system jobs that code defines. The first tick after a deploy creates them or updates
 * them to the code (`cron/builtins.ts`). `PUT /v1/jobs/ensure` does the same over HTTP.
 */

import type * as z from "zod";
import { compact } from "../domain/compact.ts";
import { BUILTIN_LABEL } from "../domain/job/builtin-label.ts";
import { defineJob, fieldErrors } from "../domain/job/definition.ts";
import { canonicalJson } from "../domain/job/job-change.ts";
import { base32 } from "../domain/text/base32.ts";
import { sha256 } from "../domain/text/sha256.ts";
import { JobInput } from "../schema/job.ts";
import { explainFields } from "./explain-fields.ts";
import type { JobHandler } from "./job-hooks.ts";
import { mustBeFunction } from "./must-be-function.ts";

type Fields = z.input<typeof JobInput>;

/** A job as in docs/contract.md §2, owned by the system, with a message or a handler. */
export type Builtin = Omit<Fields, "owner_kind" | "plugin_id" | "job_key" | "runtime_name" | "enabled"> &
  ({ readonly message: string } | { readonly handler: JobHandler }) & { readonly handler?: JobHandler };

/** A registered builtin. `version` changes whenever the code's definition does. */
export type RegisteredBuiltin = { readonly input: JobInput; readonly version: string; readonly handler?: JobHandler };

const registered = new Map<string, RegisteredBuiltin>();

/**
 * Registers a builtin job. An operator's changes over HTTP stay until the code's own definition changes. No other job may
 * have its name. Throws if a field is wrong or the name is registered twice, so a mistake shows when the Worker starts.
 *
 * ```ts registerBuiltin({
 *   name: "nightly-digest",
 *   schedule: { cron: "0 3 * * *", timezone: "Europe/Berlin" },
 *   handler: async ({ run, sessionId, signal }) => digest(run.scheduled_at, sessionId, signal),
 * }); ```
 */
export function registerBuiltin(builtin: Builtin): void {
  const { handler, ...fields } = builtin;
  const { name } = fields;
  // The types require this too, but JavaScript and a message in a variable get past them.
  if (handler === undefined && !(typeof fields.message === "string" && fields.message !== "")) {
    throw new Error(
      `registerBuiltin("${name}"): give a message for the agent, or a handler that runs in its place: registerBuiltin({ name, schedule, handler: async (call) => … })`,
    );
  }
  if (handler !== undefined) mustBeFunction(`registerBuiltin("${name}"): handler`, handler);
  if (registered.has(name)) throw new Error(`registerBuiltin: there is a builtin "${name}" already`);
  const kind = handler === undefined ? "message" : "handler";
  const version = `${kind}:${base32(sha256(canonicalJson(fields)), 16)}`;
  const input = JobInput.safeParse({
    ...fields,
    owner_kind: "system",
    labels: { ...fields.labels, [BUILTIN_LABEL]: version },
  });
  if (!input.success) throw new Error(`registerBuiltin("${name}"): ${explainFields(fieldErrors(input.error.issues))}`);
  const job = defineJob(input.data);
  if (!job.ok) {
    throw new Error(
      `registerBuiltin("${name}"): ${job.error.kind === "validation_failed" ? explainFields(job.error.errors) : job.error.kind}`,
    );
  }
  registered.set(name, { input: input.data, version, ...compact({ handler }) });
}

/** The registrations of this isolate. */
export const registeredBuiltins = (): readonly RegisteredBuiltin[] => [...registered.values()];
export const registeredBuiltin = (name: string): RegisteredBuiltin | undefined => registered.get(name);
