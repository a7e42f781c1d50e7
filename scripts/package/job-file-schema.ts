/** The JSON Schema of job files for editors, made from the fields of a job that a client may write. */
import { jsonSchema } from "../../src/http/json-schema.ts";
import { JobInput } from "../../src/schema/job.ts";

/** The schema (2020-12) of `{namespace, jobs: {KEY: {…}}}`. */
export function jobFileSchema(): object {
  const { $defs, id: _id, ...job } = jsonSchema(JobInput, "input");
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Reveille job file",
    description: "The jobs of one namespace, for `reveille plan` and `reveille apply`.",
    type: "object",
    properties: {
      $schema: { type: "string" },
      namespace: {
        type: "string",
        minLength: 1,
        description: "Names the jobs that this file owns; no other is touched.",
      },
      jobs: {
        type: "object",
        description: "Each job by a KEY of yours, by which it is found again.",
        additionalProperties: { $ref: "#/$defs/Job" },
      },
    },
    required: ["namespace", "jobs"],
    additionalProperties: false,
    // A job without a name takes its KEY as its name.
    $defs: { ...Object($defs), Job: { ...job, required: ["schedule"] } },
  };
}
