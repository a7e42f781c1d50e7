/** The filters of jobs, in the query of `GET /v1/jobs` and in the body of `POST /v1/jobs/bulk`. */
import * as z from "zod";
import type { JobFilter } from "../../domain/job/job-filter.ts";
import { ExecScope, Health, JobState, OwnerKind } from "../../schema/job.ts";
import { commaList, queryFlag, queryText } from "../fields.ts";

const labelPair = z
  .string()
  .regex(/^[^:]+:/, { message: "must be KEY:VALUE, e.g. team:ops" })
  .transform((pair): readonly [string, string] => {
    const colon = pair.indexOf(":");
    return [pair.slice(0, colon), pair.slice(colon + 1)];
  });

const OTHER_STATES: Readonly<Record<string, string>> = {
  all: JobState.options.join(),
  any: JobState.options.join(),
  done: "finished",
  completed: "finished",
  ended: "finished",
  enabled: "active",
  running: "active",
  disabled: "paused",
};

const stateList = commaList(JobState, JobState.options, OTHER_STATES);

/** The filters. A job must match every given one. */
export const JobFilters = z.strictObject({
  owner_kind: OwnerKind.optional().meta({ description: "Jobs that belong to this kind of owner." }),
  exec_scope: ExecScope.optional().meta({
    aliases: ["scope"],
    description: "Jobs that run once, once as a user, or once for every user.",
  }),
  agent_id: queryText.optional().meta({ aliases: ["agent"], description: "Jobs of this agent." }),
  user_id: queryText.optional().meta({ aliases: ["user"], description: "Jobs that run as this user." }),
  plugin_id: queryText.optional().meta({ aliases: ["plugin"], description: "Jobs of this plugin." }),
  name: queryText.optional().meta({ aliases: ["title"], description: "The whole name." }),
  enabled: queryFlag.optional().meta({ opposites: ["paused"], description: "false: paused jobs; true: the others." }),
  health: Health.optional().meta({ description: "ok, failing or overdue." }),
  label: z
    .union([labelPair.transform((pair) => [pair]), z.array(labelPair)])
    .optional()
    .meta({
      reads: "pair",
      aliases: ["labels", "tag", "tags"],
      description: "KEY:VALUE; repeat it to ask for several labels at once.",
      examples: ["team:ops"],
    }),
  q: z
    .string()
    .optional()
    .meta({
      aliases: ["query", "search", "filter", "contains", "text"],
      description: "Part of the name, in upper or lower case.",
    }),
  state: stateList.optional().meta({
    aliases: ["status", "states"],
    description: "Comma-separated: active, paused, finished. Default: active,paused.",
    examples: ["active,paused,finished"],
  }),
});

/** The filter in the domain's terms. */
export const filterOf = ({ label: labels, state: states, ...filter }: z.output<typeof JobFilters>): JobFilter => ({
  ...filter,
  labels,
  states,
});
