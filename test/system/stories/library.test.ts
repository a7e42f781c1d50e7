/** examples/library, built like a deployment and run: hooks in code do the same as HTTP calls of other deployments. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { fromSources } from "../../../local/from-sources.ts";
import { findPort } from "../../../local/port.ts";
import { startRuntime } from "../../../local/runtime.ts";
import { FanOut } from "../../../src/schema/fan-out.ts";
import { Beat, Heartbeat } from "../../../src/schema/heartbeat.ts";
import { Job } from "../../../src/schema/job.ts";
import { Run } from "../../../src/schema/run.ts";
import { Advice } from "../../../src/schema/warning.ts";
import { atEnd, eventually, temporaryFolder } from "../harness/index.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CONFIG = join(ROOT, "examples/library/wrangler.toml");
/** The answer of a POST: the job and its warnings. */
const MadeJob = Job.extend(Advice.shape);
const ADMIN_TOKEN = "the-operator-of-the-example";

let url = "";

beforeAll(async () => {
  const port = await findPort(0);
  if (!port.ok) throw new Error(port.error);
  url = `http://127.0.0.1:${port.value}`;
  const bindings = {
    ADMIN_TOKEN,
    TOKEN_SECRET: "the-token-secret-of-the-example",
    PUBLIC_URL: url,
    LOCAL: "true",
  };
  const runtime = await startRuntime({
    build: fromSources(CONFIG),
    port: port.value,
    dataDir: await temporaryFolder(),
    bindings,
  });
  if (!runtime.ok) throw new Error(runtime.error);
  atEnd(runtime.value.stop);
});

async function api<S extends z.ZodType>(
  schema: S,
  path: string,
  json?: unknown,
  method?: string,
): Promise<z.output<S>> {
  const response = await fetch(url + path, {
    method: method ?? (json === undefined ? "GET" : "POST"),
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return schema.parse(JSON.parse(text));
}

const page = <S extends z.ZodType>(item: S) => z.object({ items: z.array(item) });
const journal = () => api(z.array(z.string()), "/journal");

async function tick(at: number): Promise<void> {
  const response = await fetch(`${url}/cdn-cgi/local/scheduled?time=${at}`);
  if (!response.ok) throw new Error(await response.text());
}

async function builtin(name: string): Promise<Job> {
  const { items } = await api(page(Job), `/v1/jobs?name=${name}`);
  const [job] = items;
  if (job === undefined) throw new Error(`the builtin ${name} is not there`);
  return job;
}

async function runNow(jobId: string): Promise<Run> {
  await api(z.unknown(), `/v1/jobs/${jobId}/run`, {});
  return eventually("the run's end", async () => {
    const { items } = await api(page(Run), `/v1/jobs/${jobId}/runs?limit=1`);
    return items[0]?.finished_at === undefined ? undefined : items[0];
  });
}

it("builds as wrangler deploys it", async () => {
  const wrangler = join(ROOT, "node_modules/.bin/wrangler");
  const outdir = await temporaryFolder();
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  execFileSync(wrangler, ["deploy", "--dry-run", "--outdir", outdir, "-c", CONFIG], { env, stdio: "pipe" });
  expect(await readFile(join(outdir, "index.js"), "utf8")).toMatch(/export \{[^}]*FanOutObject[^}]*JournalObject/);
});

it("creates its builtins once, at the first tick, and keeps the operator's changes to them", async () => {
  await tick(Date.now());
  const job = await builtin("count-subscribers");
  // All of them, within the calls of an invocation on the Free plan.
  expect(await builtin("weekly-letter")).toMatchObject({ exec_scope: "all_users" });
  expect(job).toMatchObject({ owner_kind: "system", exec_scope: "system", schedule: { cron: "0 * * * *" } });
  await api(z.unknown(), `/v1/jobs/${job.id}`, { schedule: { cron: "30 * * * *" } }, "PATCH");
  await tick(Date.now());
  expect((await builtin("count-subscribers")).schedule.cron).toBe("30 * * * *");
  const taken = await fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "count-subscribers", message: "m", schedule: { every: "1h" } }),
  });
  expect(taken.status).toBe(409);
});

it("runs a builtin's handler instead of an agent, with the run's session, and its result is the output", async () => {
  const job = await builtin("count-subscribers");
  const run = await runNow(job.id);
  expect(run).toMatchObject({ status: "success", output: '{"subscribers":3}', session_id: `scheduler:${job.id}` });
  expect(await journal()).toContain(`count-subscribers in scheduler:${job.id} for ${run.scheduled_at}`);
});

it("runs every other job through the job handler, and a listener that throws makes a success an error", async () => {
  const good = await api(MadeJob, "/v1/jobs", { name: "good", message: "hello", schedule: { every: "1d" } });
  expect(await runNow(good.id)).toMatchObject({ status: "success", output: "Dear nobody in particular: hello" });
  const bad = await api(MadeJob, "/v1/jobs", { name: "bad", message: "lorem ipsum", schedule: { every: "1d" } });
  expect(await runNow(bad.id)).toMatchObject({
    status: "error",
    error: "a run listener failed: Error: the letter still has dummy text in it",
  });
});

it("runs a task every minute, once for each tick's minute", async () => {
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  for (const at of [minute, minute + 5_000, minute + 60_000]) await tick(at);
  const pulses = (await journal()).filter((line) => line.startsWith("pulse "));
  for (const at of [minute, minute + 60_000]) {
    expect(pulses.filter((line) => line === `pulse ${new Date(at).toISOString()}`)).toHaveLength(1);
  }
});

it("runs a task every two seconds from the first tick on, without a further tick", async () => {
  await tick(Math.floor(Date.now() / 60_000) * 60_000);
  const pulses = async () => (await journal()).filter((line) => line === "short pulse").length;
  const before = await pulses();
  const begun = Date.now();
  await eventually("three more pulses", async () => (await pulses()) >= before + 3);
  expect(Date.now() - begun).toBeGreaterThan(3_500);
});

it("has the heartbeat of the code's configuration, which beats by itself between two ticks", async () => {
  await tick(Math.floor(Date.now() / 60_000) * 60_000);
  const { every, next_beat_at } = await api(Heartbeat, "/v1/heartbeats/editor");
  expect(every).toBe("20s");
  expect(Date.parse(next_beat_at ?? "") % 20_000).toBe(0);
  await api(Heartbeat, "/v1/heartbeats/editor", { every: "10s" }, "PUT");
  await tick(Math.floor(Date.now() / 60_000) * 60_000);
  const beat = await eventually(
    "a beat",
    async () => (await api(page(Beat), "/v1/heartbeats/editor/beats")).items[0],
    15_000,
  );
  expect(beat).toMatchObject({ trigger: "schedule", outcome: "empty" });
  expect(Date.parse(beat.scheduled_at) % 10_000).toBe(0);
  expect((await api(Heartbeat, "/v1/heartbeats/editor")).every).toBe("10s");
}, 30_000);

it("fires a due builtin for all users at the tick, once for each user of the code's source", async () => {
  const { id } = await builtin("weekly-letter");
  const soon = { schedule: { cron: null, every: "1m" } };
  const { next_run_at: due = "" } = await api(MadeJob, `/v1/jobs/${id}`, soon, "PATCH");
  await tick(Date.parse(due));
  const fanOut = await eventually("the end of the fan-out", async () => {
    const [newest] = (await api(page(FanOut), `/v1/jobs/${id}/fan-outs`)).items;
    return newest?.scheduled_at === due && newest.status !== "running" && newest;
  });
  expect(fanOut).toMatchObject({ status: "success", total: 3, succeeded: 3 });
  const { items } = await api(page(Run), `/v1/jobs/${id}/runs?fan_out_id=${fanOut.id}`);
  expect(items.map((run) => [run.user_id, run.output]).sort()).toEqual(
    ["ada", "ben", "cho"].map((user) => [user, `Dear ${user}: Write this week's letter.`]),
  );
  expect(await journal()).toContain(`weekly-letter for ada in scheduler:${id}:uada`);
});

it("answers the heartbeat in code, and calls its notifier", async () => {
  await api(z.unknown(), "/v1/heartbeats/main", { every: "1m" }, "PUT");
  const document = await fetch(`${url}/v1/heartbeats/main/document`, {
    method: "PUT",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "text/markdown" },
    body: "- Say whether the letters have been sent",
  });
  expect(document.ok).toBe(true);
  await tick(Math.ceil(Date.now() / 60_000) * 60_000);
  await eventually("the notification", async () =>
    (await journal()).includes("notified: *Heartbeat*\n\nAll letters have been sent."),
  );
});
