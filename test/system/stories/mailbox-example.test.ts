/** The example of an agent on a laptop: it opens its mailbox, claims waiting runs, and reports. */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";
import { atEnd, eventually, startReveille, temporaryFolder } from "../harness/index.ts";

const FOLDER = resolve(import.meta.dirname, "../../../examples/mailbox");
const Job = z.looseObject({ id: z.string() });
const Runs = z.looseObject({ items: z.array(z.looseObject({ status: z.string(), output: z.string().optional() })) });

it("does runs that came due while it was away, and runs that come due during its wait", async () => {
  const reveille = await startReveille({ dataDir: await temporaryFolder() });
  await reveille.api("/v1/agents/laptop", { method: "PUT", json: { delivery: "pull" } });
  const fire = async (message: string): Promise<string> => {
    const job = { name: message, message, schedule: { every: "1h" }, agent_id: "laptop" };
    const { id } = Job.parse(await (await reveille.api("/v1/jobs", { json: job })).json());
    await reveille.api(`/v1/jobs/${id}/run`, { method: "POST" });
    return id;
  };
  const done = (id: string) =>
    eventually("the run has not succeeded", async () => {
      const { items } = Runs.parse(await (await reveille.api(`/v1/jobs/${id}/runs`)).json());
      return items[0]?.status === "success" ? items[0] : undefined;
    });
  const before = await fire("while away");
  const agent = spawn(process.execPath, [join(FOLDER, "agent.mjs")], {
    env: { REVEILLE_URL: reveille.url, REVEILLE_TOKEN: reveille.adminToken },
    stdio: "ignore",
  });
  atEnd(() => void agent.kill("SIGKILL"));
  expect(await done(before)).toMatchObject({ output: "Done: while away" });
  expect(await done(await fire("while waiting"))).toMatchObject({ output: "Done: while waiting" });
});
