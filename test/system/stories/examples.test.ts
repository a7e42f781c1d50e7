/** The examples of agents, each in its own runtime, called by a real Reveille and by forged callers. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { fromSources } from "../../../local/from-sources.ts";
import { findPort } from "../../../local/port.ts";
import { startRuntime } from "../../../local/runtime.ts";
import { atEnd, eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../../examples");
const START_LIMIT_MS = 30_000;

type Settings = { readonly AGENT_SECRET: string; readonly AGENT_SECRET_PREVIOUS: string; readonly PORT: string };

/** Starts a program of an example's folder, given its settings as a shell would, and waits until it listens. */
async function startProgram(name: string, command: readonly string[], settings: Settings): Promise<void> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, {
    cwd: join(EXAMPLES, name),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
  });
  atEnd(() => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  await eventually(
    () => `${name} is not listening; it printed:\n${output}`,
    async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}:\n${output}`);
      return fetch(`http://127.0.0.1:${settings.PORT}/`).then(
        () => true,
        () => false,
      );
    },
    START_LIMIT_MS,
  );
}

async function startWorker(name: string, { PORT, ...bindings }: Settings): Promise<void> {
  const runtime = await startRuntime({
    build: fromSources(join(EXAMPLES, name, "wrangler.toml")),
    port: Number(PORT),
    dataDir: await temporaryFolder(),
    bindings,
  });
  if (!runtime.ok) throw new Error(runtime.error);
  atEnd(runtime.value.stop);
}

/** Runs the example like its `npm run dev`, but with temporary storage and no network calls of its own. */
async function startWrangler(name: string, settings: Settings): Promise<void> {
  const quiet = ["CLOUDFLARE_CF_FETCH_ENABLED=false", "WRANGLER_SEND_METRICS=false", "WRANGLER_LOG=error"];
  const wrangler = ["npx", "--no", "wrangler", "dev", "--ip", "127.0.0.1", "--port", settings.PORT];
  const secrets = (["AGENT_SECRET", "AGENT_SECRET_PREVIOUS"] as const).map((key) => `${key}:${settings[key]}`);
  const given = ["--persist-to", await temporaryFolder(), ...secrets.flatMap((secret) => ["--var", secret])];
  await startProgram(name, ["env", ...quiet, ...wrangler, ...given], settings);
}

type Example = {
  readonly name: string;
  readonly start: (settings: Settings) => Promise<void>;
  readonly skip?: boolean;
};

const examples: readonly Example[] = [
  { name: "receiver-node", start: (settings) => startProgram("receiver-node", ["node", "receiver.mjs"], settings) },
  {
    name: "receiver-python",
    start: (settings) => startProgram("receiver-python", ["python3", "-B", "receiver.py"], settings),
  },
  { name: "receiver-hono", start: (settings) => startWorker("receiver-hono", settings) },
  {
    name: "agents-sdk (once npm install was run in its folder)",
    start: (settings) => startWrangler("agents-sdk", settings),
    skip: !existsSync(join(EXAMPLES, "agents-sdk/node_modules/agents")),
  },
];

const Run = z.looseObject({
  id: z.string(),
  session_id: z.string(),
  status: z.string(),
  output: z.string().optional(),
  error: z.string().optional(),
  http_status: z.int().optional(),
  progress: z.unknown().optional(),
});
type Run = z.infer<typeof Run>;
const Job = z.looseObject({ id: z.string(), state: z.string() });

/** They import the package by its name, as it was built. */
beforeAll(() => {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: resolve(EXAMPLES, ".."), stdio: "inherit" });
});

for (const { name, start, skip = false } of examples) {
  describe.skipIf(skip)(name, () => {
    const secret = `whsec_${randomBytes(32).toString("base64")}`;
    const previous = `whsec_${randomBytes(32).toString("base64")}`;
    let url: string;
    let reveille: Reveille;

    beforeAll(async () => {
      const port = await findPort(0);
      if (!port.ok) throw new Error(port.error);
      url = `http://127.0.0.1:${port.value}/`;
      await start({ AGENT_SECRET: secret, AGENT_SECRET_PREVIOUS: previous, PORT: String(port.value) });
      const env = { AGENT_URL: url, AGENT_SECRET: secret };
      reveille = await startReveille({ dataDir: await temporaryFolder(), env });
    });

    const makeJob = async (job: object): Promise<string> => {
      const answer = await reveille.api("/v1/jobs", { json: { name, message: "good morning", ...job } });
      expect(answer.status, await answer.clone().text()).toBe(201);
      return Job.parse(await answer.json()).id;
    };
    const read = async <T>(path: string, shape: z.ZodType<T>): Promise<T> =>
      shape.parse(await (await reveille.api(path)).json());
    const runNow = async (job: string): Promise<Run> => {
      const answer = await reveille.api(`/v1/jobs/${job}/run`, { method: "POST" });
      const { run_id } = z.object({ run_id: z.string() }).parse(await answer.json());
      return ended(`/v1/jobs/${job}/runs/${run_id}`);
    };
    const ended = (path: string): Promise<Run> =>
      eventually(`the end of ${path}`, async () => {
        const run = await read(path, Run);
        return run.status !== "running" && run;
      });

    it("is called at the due time, and its answer is the run's output", async () => {
      const job = await makeJob({ schedule: { at: new Date(Date.now() + 700).toISOString() } });
      const [run] = await eventually("a run", async () => {
        const { items } = await read(`/v1/jobs/${job}/runs`, z.object({ items: z.array(Run) }));
        return items.length > 0 && items;
      });
      const { status, output } = await ended(`/v1/jobs/${job}/runs/${run?.id}`);
      expect(status).toBe("success");
      expect(JSON.parse(output ?? "")).toEqual({ text: "Wake 1 of this session: good morning" });
    });

    it("answers long work with 202, reports progress, and completes the run", async () => {
      const job = await makeJob({ schedule: { every: "1h" }, payload: { slow: true } });
      expect(await runNow(job)).toMatchObject({
        status: "success",
        http_status: 202,
        output: "Wake 1 of this session: good morning",
        progress: { percent: 50, message: "half-way" },
      });
    });

    it("continues its session at each run, until it answers 410 and the job is paused", async () => {
      const job = await makeJob({ schedule: { every: "1h" }, payload: { stop_after: 2 } });
      expect((await runNow(job)).output).toContain("Wake 1 of this session");
      expect((await runNow(job)).output).toContain("Wake 2 of this session");
      expect(await runNow(job)).toMatchObject({ status: "error", http_status: 410, session_id: `scheduler:${job}` });
      expect((await read(`/v1/jobs/${job}`, Job)).state).toBe("paused");
    });

    /** A call as Reveille makes it, with the changes of `forge`. */
    const call = async (forge: {
      id?: string;
      session?: string;
      secret?: string;
      signature?: (good: string) => string;
      timestamp?: () => string;
      alter?: (body: string) => string;
      headers?: boolean;
    }): Promise<Response> => {
      const id = forge.id ?? `run-${randomBytes(8).toString("hex")}`;
      const timestamp = forge.timestamp?.() ?? String(Math.floor(Date.now() / 1_000));
      const body = JSON.stringify({
        type: "job.run",
        timestamp: new Date().toISOString(),
        data: {
          run: { id, session_id: forge.session ?? id },
          message: "good morning",
          complete: { url: `${reveille.url}/v1/jobs/none/runs/none/complete`, token: "none" },
        },
      });
      const key = Buffer.from((forge.secret ?? secret).slice("whsec_".length), "base64");
      const good = `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
      const signed = { "webhook-id": id, "webhook-timestamp": timestamp };
      return fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(forge.headers === false ? {} : { ...signed, "webhook-signature": forge.signature?.(good) ?? good }),
        },
        body: forge.alter?.(body) ?? body,
      });
    };
    const seconds = (offset: number) => String(Math.floor(Date.now() / 1_000) + offset);

    it.each<[string, Parameters<typeof call>[0]]>([
      ["another secret", { secret: `whsec_${Buffer.from("a stranger's").toString("base64")}` }],
      ["a body that was altered on the way", { alter: (body) => body.replace("morning", "evening") }],
      ["no signature", { headers: false }],
      ["an empty signature", { signature: () => "v1," }],
      ["a signature of another version", { signature: (good) => good.replace("v1,", "v2,") }],
      ["a signature that is no base64", { signature: () => "v1,§§§" }],
      ["a timestamp of six minutes ago", { timestamp: () => seconds(-360) }],
      ["a timestamp six minutes ahead", { timestamp: () => seconds(360) }],
      ["a timestamp that is no number", { timestamp: () => "now" }],
    ])("refuses %s with 401", async (_what, forge) => {
      expect((await call(forge)).status).toBe(401);
    });

    it("accepts one valid signature among several, so that a secret can be changed without a pause", async () => {
      const answer = await call({ signature: (good) => `v1a,x v1,${btoa("an old secret's")} ${good}` });
      expect(answer.status).toBe(200);
    });

    it("accepts a call that the previous secret has signed", async () => {
      expect((await call({ secret: previous })).status).toBe(200);
    });

    it("does the work of one webhook-id once, however often it is called", async () => {
      const session = `session-${name}`;
      const first = await (await call({ id: "run-repeated", session })).json();
      expect(await (await call({ id: "run-repeated", session })).json()).toEqual(first);
      const next = await (await call({ session })).json();
      expect(next).toEqual({ text: "Wake 2 of this session: good morning" });
    });
  });
}

it.each([
  ["receiver-node", ["node", "receiver.mjs"]],
  ["receiver-python", ["python3", "-B", "receiver.py"]],
])("%s does not start with a publicly known secret", (name, [file = "", ...args]) => {
  for (const AGENT_SECRET of ["whsec_", "", "whsec_AAAA"]) {
    const env = { PATH: process.env.PATH, AGENT_SECRET, PORT: "0" };
    const ended = spawnSync(file, args, { cwd: join(EXAMPLES, name), env, encoding: "utf8", timeout: 10_000 });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain("Set AGENT_SECRET");
  }
});
