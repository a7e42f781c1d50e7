/** An id over MCP is a value and not a piece of a path (docs/contract.md §12), so it reaches only its tool's route. */
import { expect, it } from "vitest";
import { agentToken, call, callTool, fresh, makeJob } from "../../http-fixture.ts";

const agent = fresh("agent");
const SCHEDULE = { schedule: { every: "2h" } };
const RUN = { run_id: "r1" };
const TOOLS: readonly (readonly [tool: string, args: object])[] = [
  ["get_job", {}],
  ["update_job", SCHEDULE],
  ["cancel_job", {}],
  ["pause_job", {}],
  ["resume_job", {}],
  ["run_job_now", {}],
  ["trigger_job", {}],
  ["list_runs", {}],
  ["get_run", RUN],
  ["cancel_run", RUN],
  ["retry_run", RUN],
  ["complete_run", { ...RUN, status: "success" }],
  ["report_progress", { ...RUN, message: "half" }],
  ["explain_job", {}],
];

it.each(TOOLS)("%s finds no job under an id that would be another path", async (tool, args) => {
  const job = await makeJob({ agent_id: agent });
  const before = (await call("GET", `/v1/jobs/${job}`)).body;
  const token = await agentToken({ agent_id: agent });
  const ids = ["..", ".", "a/../b", `x/../${job}`, `${job}/pause`, `${job}/`, `..%2Fjobs%2F${job}`, `x%2F..%2F${job}`];
  for (const job_id of [...ids, `${job}?`, `${job}#x`, "..\\agents", "/v1/agents", "%2e%2e"]) {
    for (const sent of [{}, { token }]) {
      const { isError, text } = await callTool(tool, { ...args, job_id }, sent);
      expect([job_id, isError, text]).toEqual([job_id, true, expect.stringMatching(/not_found|no job|not found/i)]);
    }
  }
  expect((await call("GET", `/v1/jobs/${job}`)).body).toEqual(before);
  expect((await call("GET", `/v1/jobs/${job}/runs`)).body.items).toEqual([]);
});

it.each(["get_run", "cancel_run", "retry_run"])("%s finds no run under such an id", async (tool) => {
  const job = await makeJob({ agent_id: agent });
  for (const run_id of ["..", "../..", "../../jobs", "a%2F..%2Fb", "../progress"]) {
    const { isError, text } = await callTool(tool, { job_id: job, run_id });
    expect([run_id, isError, text]).toEqual([run_id, true, expect.stringMatching(/not_found|no run|not found/i)]);
  }
  expect((await call("GET", `/v1/jobs/${job}`)).status).toBe(200);
});
