/** What one call of a token has written at most, in its job and in the directory (docs/token-costs.md counts with it). */
import { expect, it, vi } from "vitest";
import { SHARD_COUNT } from "../../../src/domain/directory-shard.ts";
import { ROWS_OF_A_CALL } from "../../token-costs.ts";
import { agentToken, call, env, fresh, makeJob } from "../http-fixture.ts";
import { countRows } from "../rows-written.ts";

it("no call has more rows written than the page counts with, the run that it starts among them", async () => {
  const agent = fresh("agent");
  const token = await agentToken({ agent_id: agent });
  await call("PUT", `/v1/agents/${agent}`, { json: { url: "https://agent.test/hook" } });
  const id = await makeJob({ agent_id: agent, report: "all", message: "hello" });
  const job = env.JOB.getByName(id);
  const counters = [await countRows(job)];
  for (let n = 0; n < SHARD_COUNT; n++) counters.push(await countRows(env.DIRECTORY.getByName(`shard-${n}`)));
  const written = () => counters.reduce((sum, count) => sum + count(), 0);
  const idle = () =>
    vi.waitFor(async () => {
      const runs = (await call("GET", `/v1/jobs/${id}/runs`)).body.items as { status: string }[];
      expect(runs.filter(({ status }) => status === "running")).toEqual([]);
      const before = written();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(written()).toBe(before);
    }, 9_000);
  const acts: readonly (readonly [string, string, object | undefined])[] = [
    ["PATCH", "", { description: "changed", labels: { a: "b" }, schedule: { every: "2h" } }],
    ["POST", "/pause", { reason: "r", until: "1h" }],
    ["POST", "/resume", undefined],
    ["POST", "/run", { message: "for this run" }],
    ["POST", "/trigger", { key: "k", payload: { a: 1 } }],
    ["POST", "/trigger-token", undefined],
    ["DELETE", "/trigger-token", undefined],
    ["PATCH", "", { schedule: { every: "1h" } }],
    ["DELETE", "", undefined],
  ];
  const rows: Record<string, number> = {};
  for (const [method, path, json] of acts) {
    const before = written();
    const got = await call(method, `/v1/jobs/${id}${path}`, { token, ...(json === undefined ? {} : { json }) });
    expect(got.status, `${method} ${path} ${got.text}`).toBeLessThan(300);
    if (method !== "DELETE") await idle();
    rows[`${method} ${path}`] = written() - before;
  }
  for (const [act, count] of Object.entries(rows)) expect(count, act).toBeLessThanOrEqual(ROWS_OF_A_CALL);
});
