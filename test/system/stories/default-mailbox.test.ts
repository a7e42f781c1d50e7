/** The default agent without an address (`AGENT_ID`, no `AGENT_URL`), and the loop of docs/mailbox.md that does its runs with curl. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { atEnd, eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const PAGE = resolve(import.meta.dirname, "../../../docs/mailbox.md");
const Job = z.looseObject({ id: z.string(), warnings: z.array(z.looseObject({ code: z.string() })).optional() });
const Run = z.looseObject({ status: z.string(), session_id: z.string(), output: z.string().optional() });
const Claimed = z.object({ items: z.array(z.looseObject({})) });

let reveille: Reveille;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder(), env: { AGENT_ID: "laptop" } });
});

async function run(message: string): Promise<{ readonly job: string; read(): Promise<z.infer<typeof Run>> }> {
  const json = { name: message.slice(0, 20), message, schedule: { manual: true } };
  const { id, warnings = [] } = Job.parse(await (await reveille.api("/v1/jobs", { json })).json());
  expect(warnings.map(({ code }) => code)).not.toContain("no_agent");
  const begun = await reveille.api(`/v1/jobs/${id}/run`, { method: "POST" });
  const { run_id } = z.object({ run_id: z.string() }).parse(await begun.json());
  return { job: id, read: async () => Run.parse(await (await reveille.api(`/v1/jobs/${id}/runs/${run_id}`)).json()) };
}

it("exists without a registration, and is named at the start", async () => {
  expect(reveille.output()).toContain(
    `AGENT_ID=laptop: the default agent has no address; it claims its runs at ${reveille.url}/v1/agents/laptop/claim`,
  );
  expect(await (await reveille.api("/v1/agents/laptop")).json()).toMatchObject({ delivery: "pull", waiting: 0 });
});

it("gets the runs of jobs that name no agent, for the operator's token but not for a token that is bound to an agent", async () => {
  const { read } = await run("for nobody in particular");
  await eventually("the offer", async () => "offered_at" in (await read()));
  const minted = await reveille.api("/v1/tokens", { json: { role: "agent", agent_id: "laptop", expires_in: "1h" } });
  const { token } = z.looseObject({ token: z.string() }).parse(await minted.json());
  const claim = async (as?: string) =>
    Claimed.parse(
      await (
        await reveille.api("/v1/agents/laptop/claim", { json: {}, ...(as === undefined ? {} : { token: as }) })
      ).json(),
    ).items;
  expect(await claim(token)).toEqual([]);
  expect(await claim()).toMatchObject([{ data: { message: "for nobody in particular" } }]);
});

it.each(["sh", "bash"])("is the loop of the documentation, in %s, with any message", async (shell) => {
  const loop = /^```sh[^\n]*\n(while :; do\n[\s\S]*?)^```$/m.exec(readFileSync(PAGE, "utf8"))?.[1] ?? "";
  expect(loop).toContain("/claim");
  const child = spawn(shell, ["-c", loop], {
    detached: true,
    stdio: "ignore",
    env: { PATH: process.env.PATH, REVEILLE_URL: reveille.url, TOKEN: reveille.adminToken },
  });
  const end = () => child.exitCode === null && child.signalCode === null && process.kill(-(child.pid ?? 0), "SIGKILL");
  atEnd(() => void end());
  for (const message of ["hello", 'a "quoted" line\nand \\n another, 100% $HOME `id` é']) {
    const { job, read } = await run(message);
    const ended = await eventually("the end of the run", async () => {
      const now = await read();
      return now.status !== "running" && now;
    });
    expect(ended).toMatchObject({ status: "success", session_id: `scheduler:${job}`, output: `Done: ${message}` });
  }
  end();
});
