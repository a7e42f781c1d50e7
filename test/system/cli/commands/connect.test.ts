/** `reveille connect`: a program or a local URL does the runs of an agent without an address, through kills, cancels and drains. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import * as z from "zod";
import { runHere, startCli } from "../../harness/cli.ts";
import { eventually, type Reveille, startAgent, startReveille, temporaryFolder } from "../../harness/index.ts";

const Run = z.looseObject({
  id: z.string(),
  status: z.string(),
  attempt: z.number(),
  output: z.string().optional(),
  error: z.string().optional(),
});
const ENDED_MS = 15_000;
/** The shortest lease, the backoff of the job, and the time to claim. */
const OFFERED_AGAIN_MS = 45_000;

let reveille: Reveille;
let cwd: string;
let agent: string;
let count = 0;
const connections: ReturnType<typeof startCli>[] = [];

beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
});
beforeEach(async () => {
  cwd = await temporaryFolder();
  count += 1;
  agent = `agent-${count}`;
});
afterEach(() => {
  for (const child of connections.splice(0)) child.kill("SIGKILL");
});

/** A program that records each start and end, does what its message says, and prints it with its environment. */
async function program(): Promise<string> {
  const file = join(cwd, "agent.sh");
  const script = `#!/bin/sh
message=$(cat)
echo "start $REVEILLE_RUN_ID" >> "${cwd}/log"
case "$message" in
  slow*) sleep 6 ;;
  hang*) sleep 600 ;;
  fail*) echo "no such thing" >&2; exit 3 ;;
esac
echo "end $REVEILLE_RUN_ID" >> "${cwd}/log"
echo "$message|$REVEILLE_JOB_NAME|$REVEILLE_SESSION_ID|$REVEILLE_PAYLOAD"
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return file;
}

const log = async (): Promise<string[]> =>
  (await readFile(join(cwd, "log"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

const environment = (): Record<string, string> => ({ REVEILLE_URL: reveille.url, REVEILLE_TOKEN: reveille.adminToken });

async function connect(words: readonly string[], env: Record<string, string> = {}) {
  const child = startCli(["connect", "--agent", agent, ...words], { cwd, env: { ...environment(), ...env } });
  connections.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  await eventually(
    () => `a connection; it printed:\n${output}`,
    async () => {
      if (child.exitCode !== null) throw new Error(`connect ended with ${child.exitCode}:\n${output}`);
      if (!output.includes("Connected")) return false;
      const answer = await reveille.api(`/v1/agents/${agent}`);
      return answer.ok && z.looseObject({ connected: z.number().default(0) }).parse(await answer.json()).connected > 0;
    },
  );
  return { child, output: () => output };
}

const makeJob = async (message: string, more: object = {}): Promise<string> => {
  const json = { name: "job", message, agent_id: agent, schedule: { manual: true }, ...more };
  const answer = await reveille.api("/v1/jobs", { json });
  return z.looseObject({ id: z.string() }).parse(await answer.json()).id;
};
const begin = async (job: string): Promise<string> => {
  const answer = await reveille.api(`/v1/jobs/${job}/run`, { method: "POST" });
  const { run_id } = z.looseObject({ run_id: z.string() }).parse(await answer.json());
  return `/v1/jobs/${job}/runs/${run_id}`;
};
const read = async (path: string) => Run.parse(await (await reveille.api(path)).json());
const ended = (path: string, limitMs = ENDED_MS) =>
  eventually(
    `the end of ${path}`,
    async () => {
      const run = await read(path);
      return run.status !== "running" && run;
    },
    limitMs,
  );

it("registers the agent and does its runs with a program, message in, output out", async () => {
  await connect(["--exec", await program()]);
  const job = await makeJob("hello", { payload: { n: 1 } });
  const run = await ended(await begin(job));
  expect(run).toMatchObject({ status: "success", output: `hello|job|${agent}:scheduler:${job}|{"n":1}\n` });
  expect(await ended(await begin(await makeJob("fail")))).toMatchObject({
    status: "error",
    error: "exit code 3: no such thing",
  });
});

it("does as many runs at a time as --concurrency says", async () => {
  await connect(["--exec", await program(), "--concurrency", "3"]);
  const paths = await Promise.all(["slow", "slow", "slow"].map(async (message) => begin(await makeJob(message))));
  await eventually(
    "three starts",
    async () => (await log()).filter((line) => line.startsWith("start")).length === 3,
    5_000,
  );
  expect((await log()).some((line) => line.startsWith("end"))).toBe(false);
  for (const path of paths) expect((await ended(path)).status).toBe("success");
});

it("ends the program when the run is cancelled", async () => {
  const file = join(cwd, "pid.sh");
  await writeFile(file, `#!/bin/sh\nsleep 600 &\necho $! > "${cwd}/pid"\nwait\n`);
  await chmod(file, 0o755);
  await connect(["--exec", file]);
  const path = await begin(await makeJob("x"));
  const pid = await eventually(
    "the program",
    async () => Number(await readFile(join(cwd, "pid"), "utf8").catch(() => "")) || false,
  );
  await reveille.api(`${path}/cancel`, { method: "POST" });
  await eventually("the end of what it started", () => !isAlive(pid));
  expect(await read(path)).toMatchObject({ status: "error", error: "cancelled" });
});

it("lets running work end at the first Ctrl-C, and begins no new run", async () => {
  const { child } = await connect(["--exec", await program()]);
  const slow = await begin(await makeJob("slow"));
  await eventually("its start", async () => (await log()).length === 1);
  child.kill("SIGINT");
  const next = await begin(await makeJob("next"));
  await eventually("its end", () => child.exitCode === 0, ENDED_MS);
  expect(await read(slow)).toMatchObject({ status: "success", attempt: 1 });
  expect(await read(next)).toMatchObject({ status: "running" });
  expect(await log()).toHaveLength(2);
});

it("ends at a signal to itself alone, in a clone under a Node that runs no TypeScript", async () => {
  const node = ["--no-experimental-strip-types"];
  const child = startCli(["connect", "--agent", agent, "--exec", "cat"], { env: environment(), cwd, node });
  connections.push(child);
  let said = "";
  child.stdout.on("data", (data) => {
    said += String(data);
  });
  await eventually("the connection", () => said.includes("Connected"), ENDED_MS);
  child.kill("SIGINT");
  await eventually("its end", () => child.exitCode === 0, ENDED_MS);
});

it("gives running work back at the second Ctrl-C, to be done elsewhere as the same attempt", async () => {
  const { child, output } = await connect(["--exec", await program()]);
  const path = await begin(await makeJob("slow"));
  await eventually("its start", async () => (await log()).length === 1);
  child.kill("SIGINT");
  await eventually("the word on it", () => output().includes("Press Ctrl-C again"));
  child.kill("SIGINT");
  await eventually("its end", () => child.exitCode !== null, ENDED_MS);
  await connect(["--exec", await program()]);
  expect(await ended(path)).toMatchObject({ status: "success", attempt: 1 });
  expect((await log()).filter((line) => line.startsWith("end"))).toHaveLength(1);
});

it("gives running work back over HTTP too, if its token cannot be sent over a socket", async () => {
  const adminToken = "an/operator's+token=of-a-test-of-connect";
  const service = await startReveille({ dataDir: await temporaryFolder(), env: { ADMIN_TOKEN: adminToken } });
  const env = { REVEILLE_URL: service.url, REVEILLE_TOKEN: adminToken };
  const child = startCli(["connect", "--agent", agent, "--exec", await program()], { cwd, env });
  connections.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  expect(await runHere(["agents", "set", agent, "--pull"], { cwd, env })).toMatchObject({ code: 0 });
  expect(
    await runHere(["jobs", "create", "--name", "back", "--message", "slow", "--manual", "--agent", agent], {
      cwd,
      env,
    }),
  ).toMatchObject({ code: 0 });
  expect(await runHere(["jobs", "run", "back"], { cwd, env })).toMatchObject({ code: 0 });
  await eventually("its start", async () => (await log()).length === 1, ENDED_MS);
  child.kill("SIGINT");
  await eventually("the word on it", () => output.includes("Press Ctrl-C again"));
  child.kill("SIGINT");
  await eventually("its end", () => child.exitCode !== null, ENDED_MS);
  await eventually("the offer", async () => {
    const seen = z.looseObject({ waiting: z.number() });
    return seen.parse(await (await service.api(`/v1/agents/${agent}`)).json()).waiting === 1;
  });
  expect(output).toContain("by waiting calls");
  await service.stop();
});

it("if killed during a run, leaves no process behind, and the run is done once more and completed once", async () => {
  const { child } = await connect(["--exec", await program(), "--lease", "10s"]);
  const path = await begin(await makeJob("slow"));
  await eventually("its start", async () => (await log()).length === 1);
  child.kill("SIGKILL");
  await connect(["--exec", await program(), "--lease", "10s"]);
  expect(await ended(path, OFFERED_AGAIN_MS)).toMatchObject({ status: "success", attempt: 2 });
  const [first = "", ...rest] = await log();
  expect(rest, (await log()).join("\n")).toEqual([first, first.replace("start", "end")]);
});

it("connects again after an outage of the service, and completes the work under way", async () => {
  const dataDir = await temporaryFolder();
  const first = await startReveille({ dataDir });
  const env = { REVEILLE_URL: first.url, REVEILLE_TOKEN: first.adminToken };
  const child = startCli(["connect", "--agent", agent, "--exec", await program()], { cwd, env });
  connections.push(child);
  let output = "";
  child.stdout.on("data", (data) => (output += String(data)));
  await eventually("a connection", () => output.includes("Connected"));
  expect(
    await runHere(["jobs", "create", "--name", "away", "--message", "slow", "--manual", "--agent", agent], {
      cwd,
      env,
    }),
  ).toMatchObject({ code: 0 });
  expect(await runHere(["jobs", "run", "away"], { cwd, env })).toMatchObject({ code: 0 });
  await eventually("its start", async () => (await log()).length === 1);
  await first.kill("SIGKILL");
  const second = await startReveille({ dataDir, port: first.port });
  await eventually(
    () => `the run's end; it printed:\n${output}`,
    async () => (await runHere(["jobs", "runs", "away", "--status", "success"], { cwd, env })).out.includes("success"),
    40_000,
  );
  expect((await log()).filter((line) => line.startsWith("start"))).toHaveLength(1);
  await second.stop();
});

it("forwards runs to a local URL, signed like a call, and returns the answer", async () => {
  const local = await startAgent(({ body }) =>
    body.data.message === "stop" ? { status: 410, body: "enough" } : { body: { text: "local" } },
  );
  await connect(["--forward", local.url], { AGENT_SECRET: local.secret });
  const run = await ended(await begin(await makeJob("hi")));
  expect(JSON.parse(run.output ?? "")).toEqual({ text: "local" });
  expect(local.calls[0]).toMatchObject({ signed: true, headers: { "webhook-id": run.id } });
  const job = await makeJob("stop");
  expect(await ended(await begin(job))).toMatchObject({ status: "error", error: "410: enough" });
  expect(await (await reveille.api(`/v1/jobs/${job}`)).json()).toMatchObject({ state: "paused" });
});

it("replaces the agent's URL, and says so", async () => {
  await reveille.api(`/v1/agents/${agent}`, { method: "PUT", json: { url: "http://127.0.0.1:9/" } });
  const { output } = await connect(["--exec", await program()]);
  expect(output()).toContain(`${agent} was called at a URL; it has a mailbox now.`);
});

it.each([
  [2, "says nothing of what to do", ["--agent", "x"], {}],
  [2, "says both", ["--agent", "x", "--exec", "true", "--forward", "http://127.0.0.1:1/"], {}],
  [2, "names no agent", ["--exec", "true"], {}],
  [2, "forwards without a secret", ["--agent", "x", "--forward", "http://127.0.0.1:1/"], {}],
  [2, "wants no run at a time", ["--agent", "x", "--exec", "true", "--concurrency", "0"], {}],
  [1, "has a wrong token", ["--agent", "x", "--exec", "true"], { REVEILLE_TOKEN: "wrong" }],
])("ends with %i if it %s", async (code, _, words, env) => {
  expect(await runHere(["connect", ...words], { cwd, env: { ...environment(), ...env } })).toMatchObject({ code });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
