/** The fixture of the directory's tests: its environment, entries with one wrong field, storage that counts. */

import { runInDurableObject } from "cloudflare:test";
import { ShardTables } from "../../durable-objects/directory/shard-tables.ts";
import { reserveJob } from "../../src/directory/jobs-index.ts";
import { SHARD_COUNT } from "../../src/domain/directory-shard.ts";
import type { Outcome } from "../../src/domain/failure.ts";
import { defineJob } from "../../src/domain/job/definition.ts";
import { type IndexEntry, indexEntryOf } from "../../src/domain/job/index-entry.ts";
import { newJob } from "../../src/domain/job/job.ts";
import { jobIdFromBytes } from "../../src/domain/job/job-id.ts";
import { type Settings, settingsOf } from "../../src/env.ts";
import { type Job, JobInput } from "../../src/schema/job.ts";
import { type DirectoryStub, env, type JobStub } from "./bindings.ts";
import { type CountedRows, countedSql } from "./counted-sql.ts";

export { env };

/** The settings of a deployment with these variables. */
export const settings = (variables: Record<string, string> = {}): Settings => settingsOf({ ...variables });

let made = 0;

/** A shard for this test only. */
export const freshShard = () => env.DIRECTORY.getByName(`test-${made++}`);

export const freshJobId = (): string => jobIdFromBytes(crypto.getRandomValues(new Uint8Array(13)));

/** A user's job, active, version 1. */
export const entry = (fields: Partial<IndexEntry> = {}): IndexEntry => ({
  id: freshJobId(),
  owner: "user:1",
  version: 1,
  createdAt: 1_000_000 + made++,
  name: "Water the plants",
  ownerKind: "user",
  execScope: "user",
  userId: "1",
  enabled: true,
  state: "active",
  labels: {},
  rate: 24,
  ...fields,
});

/** Runs `use` inside the shard's object on its own tables, through storage that counts the rows read and written. */
export function countRows<T>(
  shard: DirectoryStub,
  use: (tables: ShardTables, rows: () => CountedRows) => T,
): Promise<T> {
  return runInDurableObject(shard, (_, { storage }) => {
    const { sql, rows } = countedSql(storage.sql);
    return use(new ShardTables(sql, SHARD_COUNT), rows);
  });
}

/** The value of an answer that must be ok. */
export async function answered<T>(outcome: Promise<Outcome<T>>): Promise<T> {
  const answer = await outcome;
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

/** The job's object. */
export const jobStub = (id: string): JobStub => env.JOB.getByName(id);

/** A job created as over HTTP: first a place, then its object. */
export async function makeJob(fields: Record<string, unknown> = {}, id = freshJobId()): Promise<Job> {
  const input = JobInput.parse({ name: "n", message: "hello", schedule: { every: "1h" }, ...fields });
  const defined = defineJob(input);
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const { record } = newJob(id, defined.value, Date.now());
  const place = await answered(reserveJob(env, indexEntryOf(record), { maxJobs: 1_000 }));
  const { job } = await answered(jobStub(id).create({ ...newJob(id, defined.value, place.createdAt), place }));
  return job;
}
