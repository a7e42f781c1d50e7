/** `reveille jobs list|get|runs|explain`: shows jobs and their runs. */

import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import type { Command } from "../command.ts";
import { findJob, JOB, JobShape, jobTable } from "../jobs.ts";
import { CURSOR, queryOf, warnOfMore } from "../pages.ts";
import { json, relative, whole } from "../render.ts";
import { RunShape, runTable } from "../runs.ts";
import { answer, connect, read } from "../service.ts";

const Page = z.looseObject({ items: z.array(JobShape), next_cursor: z.string().optional() });
const RunPage = z.looseObject({ items: z.array(RunShape), next_cursor: z.string().optional() });

const Explained = z.looseObject({ explanation: z.string(), next_run_at: z.string().optional() });

const list: Command = {
  name: "jobs list",
  summary: "List jobs, newest first",
  options: {
    state: { type: "string", value: "STATES", about: "A comma list of active, paused, finished (active,paused)" },
    health: { type: "string", value: "HEALTH", about: "ok, failing or overdue" },
    q: { type: "string", about: "Part of the name" },
    name: { type: "string", about: "The whole name" },
    label: { type: "string", value: "KEY:VALUE", multiple: true, about: "Jobs with this label" },
    "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "Jobs of this agent" },
    "user-id": { type: "string", value: "ID", aliases: ["user"], about: "Jobs of this user" },
    "plugin-id": { type: "string", value: "ID", about: "Jobs of this plugin" },
    "exec-scope": { type: "string", value: "SCOPE", aliases: ["scope"], about: "system, user or all_users" },
    "owner-kind": { type: "string", value: "KIND", about: "user, plugin or system" },
    enabled: { type: "string", value: "BOOLEAN", about: "false: paused jobs" },
    limit: { type: "string", value: "N", about: "1 to 100 (50)" },
    cursor: CURSOR,
    all: { type: "boolean", about: "All pages" },
  },
  examples: [
    "reveille jobs list",
    "reveille jobs list --state finished --limit 10",
    "reveille jobs list --label team:ops --json",
  ],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const filters = [
      "state",
      "health",
      "q",
      "name",
      "agent-id",
      "user-id",
      "plugin-id",
      "exec-scope",
      "owner-kind",
      "enabled",
      "limit",
    ];
    const query = queryOf(given, filters);
    const items: JobShape[] = [];
    let cursor = given.text("cursor");
    do {
      const page = read(
        Page,
        await service.send("GET", "/v1/jobs", { query: { ...query, label: given.texts("label"), cursor } }),
      );
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (given.flag("all") && cursor !== undefined);
    if (given.flag("json")) terminal.print(json({ items, ...compact({ next_cursor: cursor }) }));
    else if (items.length === 0)
      terminal.print("No job matches. Create one: reveille jobs create --name hello --message 'Say hello.' --every 1h");
    else terminal.print(jobTable(terminal, items, Date.now()));
    if (!given.flag("json")) warnOfMore(terminal, cursor, "--all, or ");
    return 0;
  },
};

const get: Command = {
  name: "jobs get",
  summary: "Show a job with all its fields",
  positionals: [JOB],
  examples: ["reveille jobs get stand-up", "reveille jobs get JOB --json"],
  async run(given, terminal) {
    const job = await findJob(await connect(given, terminal), given.positionals[0] ?? "");
    terminal.print(whole(given, job));
    return 0;
  },
};

const runs: Command = {
  name: "jobs runs",
  summary: "Show a job's runs, newest first, or one run whole",
  positionals: [JOB, { name: "RUN", about: "the run's id", optional: true }],
  options: {
    status: { type: "string", value: "STATUS", about: "running, success, error or skipped" },
    "user-id": { type: "string", value: "ID", aliases: ["user"], about: "Runs of this user" },
    "fan-out-id": { type: "string", value: "ID", aliases: ["fan-out"], about: "Runs of this fan-out" },
    unchanged: { type: "string", value: "BOOLEAN", about: "false: leave out runs that found nothing new" },
    limit: { type: "string", value: "N", about: "1 to 100 (20)" },
    cursor: CURSOR,
  },
  examples: [
    "reveille jobs runs stand-up",
    "reveille jobs runs JOB --status error --limit 5",
    "reveille jobs runs JOB RUN",
  ],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const job = await findJob(service, given.positionals[0] ?? "");
    const runId = given.positionals[1];
    if (runId !== undefined) {
      const run = await answer(
        service.client.v1.jobs[":id"].runs[":run_id"].$get({ param: { id: job.id, run_id: runId } }),
      );
      terminal.print(whole(given, run));
      return 0;
    }
    const filters = ["status", "user-id", "fan-out-id", "unchanged", "limit", "cursor"];
    const query = queryOf(given, filters);
    const page = read(RunPage, await service.send("GET", `/v1/jobs/${job.id}/runs`, { query }));
    if (given.flag("json")) terminal.print(json(page));
    else if (page.items.length === 0)
      terminal.print(
        `${job.name} has no runs${job.next_run_at === undefined ? "" : `; it fires ${relative(job.next_run_at, Date.now())}`}.`,
      );
    else terminal.print(runTable(terminal, page.items, Date.now()));
    return 0;
  },
};

const explain: Command = {
  name: "jobs explain",
  summary: "Say why a job did or did not run, and when it runs next",
  positionals: [JOB],
  options: { at: { type: "string", value: "TIME", about: "The time in question (now)" } },
  examples: ["reveille jobs explain stand-up", "reveille jobs explain JOB --at 2026-11-27T09:00:00Z"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const { id } = await findJob(service, given.positionals[0] ?? "");
    const at = given.text("at");
    const call = service.client.v1.jobs[":id"].explain;
    const explained = await answer(call.$get({ param: { id }, query: at === undefined ? {} : { at } }));
    if (given.flag("json")) terminal.print(json(explained));
    else {
      const { explanation, next_run_at } = read(Explained, explained);
      terminal.print(explanation);
      if (next_run_at !== undefined)
        terminal.print(`It fires ${relative(next_run_at, Date.now())}, at ${next_run_at}.`);
    }
    return 0;
  },
};

export const jobReadCommands: readonly Command[] = [list, get, runs, explain];
