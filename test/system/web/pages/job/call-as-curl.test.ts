/** The commands that a run's page copies: run unchanged, they make the run's call with a valid signature. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { Job } from "../../../../../src/schema/job.ts";
import { Run } from "../../../../../src/schema/run.ts";
import { callAsCurl } from "../../../../../web/src/pages/job/call-as-curl.ts";
import { startAgent, startReveille, temporaryFolder } from "../../../harness/index.ts";

it("call the agent with the run's id and session, the job's message, and a signature of now", async () => {
  const agent = await startAgent();
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  const service = await startReveille({ dataDir: await temporaryFolder(), env });
  const definition = { name: 'It\'s "quoted" $HOME', message: "don't\n`run` $(this)", schedule: { manual: true } };
  const made = await service.api("/v1/jobs", { method: "POST", json: { ...definition, payload: { big: "ü\\" } } });
  const { id } = Job.partial()
    .loose()
    .parse(await made.json());
  const ran = await service.api(`/v1/jobs/${id}/run`, { method: "POST", json: { wait: "20s" } });
  const [job, run] = [Job.parse(await (await service.api(`/v1/jobs/${id}`)).json()), Run.parse(await ran.json())];

  const shell = { ...process.env, AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  const { stdout } = await promisify(execFile)("bash", ["-euc", callAsCurl(definition, job, run)], { env: shell });
  expect(stdout).toBe('{"ok":true}');
  const [first, again] = await agent.waitForCalls(2);
  expect(again?.signed).toBe(true);
  expect(again?.headers["webhook-id"]).toBe(run.id);
  expect(again?.headers["reveille-session-id"]).toBe(run.session_id);
  const { complete: _complete, job: _job, ...sent } = first?.body.data ?? {};
  expect(again?.body.data).toMatchObject(sent);
  await service.stop();
});
