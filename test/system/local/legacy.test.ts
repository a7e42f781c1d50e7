/** LEGACY_DATA_PATH with a jobs.json of the Go original: its jobs continue here, under their ids and in their sessions. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventually, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

/** A job as Go's encoder writes it: it has every field without `omitempty`, and times have nanoseconds. */
const goJob = (id: string, fields: Record<string, unknown>) => ({
  id,
  name: `job ${id}`,
  schedule: {},
  session_mode: "reuse",
  enabled: true,
  created_at: "2026-01-02T03:04:05.123456789+08:00",
  updated_at: "2026-01-02T03:04:05.123456789+08:00",
  ...fields,
});

it("imports the valid jobs, names the others, and fires jobs in their old sessions", async () => {
  const agent = await startAgent();
  const [dataDir, legacy] = [await temporaryFolder(), await temporaryFolder()];
  const envelope = {
    plugin_id: "rss",
    key: "poll",
    runtime_name: "feeds",
    payload: { url: "https://example.com/feed" },
  };
  const jobs = [
    goJob("a1b2c3d4", { schedule: { every: "1s" }, message: "Good morning", agent_id: "", user_id: 0 }),
    goJob("b2c3d4e5", { schedule: { every: "1s" }, message: "Remind me", user_id: 42 }),
    goJob("c3d4e5f6", { schedule: { every: "1s" }, message: `__anna_plugin_job__:${JSON.stringify(envelope)}` }),
    goJob("d4e5f607", { schedule: { every: "1s" }, message: "Paused", enabled: false }),
    goJob("e5f60718", { schedule: { at: "2026-01-15T14:30:00+08:00" }, message: "Too late" }),
  ];
  await writeFile(join(legacy, "jobs.json"), JSON.stringify(jobs, null, 2));
  const reveille = await startReveille({
    dataDir,
    env: { AGENT_URL: agent.url, AGENT_SECRET: agent.secret, LEGACY_DATA_PATH: legacy },
  });
  expect(reveille.lines().at(-2)).toMatch(
    /^Imported 4 jobs from \S+jobs\.json, 1 skipped \(e5f60718: schedule\.at: .*not in the future.*\); the file is now jobs\.json\.imported$/,
  );

  const bySession = () => new Map(agent.calls.map(({ body }) => [body.data.run?.session_id, body.data]));
  const sessions = await eventually(
    () => `calls in three sessions; there were ${[...bySession().keys()]}`,
    () => bySession().size >= 3 && bySession(),
    20_000,
  );
  expect([...sessions.keys()].sort()).toEqual(["scheduler:a1b2c3d4", "scheduler:b2c3d4e5:u42", "scheduler:c3d4e5f6"]);
  expect(sessions.get("scheduler:a1b2c3d4")?.message).toBe("Good morning");
  const plugin = sessions.get("scheduler:c3d4e5f6");
  expect(plugin?.payload).toEqual(envelope.payload);
  expect(plugin?.message ?? "").toBe("");
  expect(plugin?.job).toMatchObject({ owner_kind: "plugin", plugin_id: "rss", job_key: "poll", runtime_name: "feeds" });
  // The phase begins with the job's creation, to the millisecond.
  for (const { body } of agent.calls) expect(Date.parse(body.data.run?.scheduled_at ?? "") % 1_000).toBe(123);
  expect(await (await reveille.api("/v1/jobs/d4e5f607")).json()).toMatchObject({ state: "paused" });
  expect((await reveille.api("/v1/jobs/e5f60718")).status).toBe(404);
});
