/** A fan-out to 900 users (10,000 in the long run) under SIGKILL: every user has exactly one run in the log. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { bySize, isLong } from "../../size.ts";
import { allRuns, fanOutNow, makeAllUsersJob, readJob, untilEnded } from "../fan-out-client.ts";
import { startAgent, startReveille, temporaryFolder } from "../harness/index.ts";
import { pagesOf, startUsersServer } from "../users-server.ts";

const USERS = bySize(900, 10_000);
const CONCURRENCY = 60;
const SHARDS = 10;
/** The most results that a shard keeps in memory, for a quarter of a second (docs/fan-out.md). */
const UNWRITTEN = 50;
const KILLS_AFTER_CALLS = [0.2, 0.6, ...(isLong ? [0.8] : [])].map((part) => part * USERS);

it(`runs once for each of ${USERS} users, under kills of every process`, { timeout: 300_000 }, async () => {
  const users = Array.from({ length: USERS }, (_, i) => `user-${i}`);
  const source = await startUsersServer(pagesOf(users, USERS / 10));
  const agent = await startAgent();
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret, ACTIVE_USERS_URL: source.url };
  const dataDir = await temporaryFolder();
  const start = () => startReveille({ dataDir, env });

  let reveille = await start();
  const job = await makeAllUsersJob(reveille, { fan_out: { concurrency: CONCURRENCY } });
  const startedAt = performance.now();
  const fanOutId = await fanOutNow(reveille, job.id);
  let downMs = 0;
  for (const calls of KILLS_AFTER_CALLS) {
    await agent.waitForCalls(calls, 120_000);
    const killedAt = performance.now();
    await reveille.kill("SIGKILL");
    await sleep(100);
    reveille = await start();
    downMs += performance.now() - killedAt;
  }
  // Live counts ask every shard, so they are not read during the measurement of users per second.
  await agent.waitForCalls(USERS, 150_000);
  const fanOut = await untilEnded(reveille, job.id, fanOutId, 60_000);
  const seconds = (performance.now() - startedAt - downMs) / 1_000;
  const again = agent.calls.length - USERS;
  console.log(
    `fan-out: ${USERS} users, ${KILLS_AFTER_CALLS.length} kills, ${Math.round(USERS / seconds)} users/s, ${again} calls made again`,
  );

  expect(fanOut).toMatchObject({
    status: "success",
    total: USERS,
    succeeded: USERS,
    failed: 0,
    skipped: 0,
    pending: 0,
  });
  const runs = await allRuns(reveille, job.id, { fan_out_id: fanOutId });
  expect(runs.length).toBe(USERS);
  expect(new Set(runs.map((run) => run.user_id))).toEqual(new Set(users));
  expect(runs.every((run) => run.status === "success" && run.fan_out_id === fanOutId)).toBe(true);
  expect((await readJob(reveille, job.id)).run_count).toBe(USERS);

  expect(again).toBeLessThanOrEqual(KILLS_AFTER_CALLS.length * (CONCURRENCY + SHARDS * UNWRITTEN));
  const idOf = new Map(runs.map((run) => [run.user_id, run.id]));
  for (const call of agent.calls) {
    expect(call.signed).toBe(true);
    expect(call.headers["webhook-id"]).toBe(idOf.get(call.body.data.run?.user_id));
  }
});
