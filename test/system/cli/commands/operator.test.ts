/** The operator's commands against a running service: `npm run doctor` and `npm run smoke`. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { failingJobs, judgeClock, judgeJobs, judgeMode, judgeSweep } from "../../../../src/cli/operator/judge.ts";
import { type Agent, type Reveille, startAgent, startReveille, temporaryFolder } from "../../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");

let reveille: Reveille;
let agent: Agent;
beforeAll(async () => {
  agent = await startAgent();
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  reveille = await startReveille({ dataDir: await temporaryFolder(), env });
  // The next tick may be a minute away.
  await fetch(`${reveille.url}/cdn-cgi/local/scheduled`);
});

type Ended = { readonly code: number; readonly output: string };

/** Runs `npm run COMMAND -- ARGS` and returns how it ended. */
const npmRun = (command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((done) => {
    execFile(
      "npm",
      ["run", "--silent", command, "--", ...args],
      // Not in a folder that may have a developer's own .reveille.
      {
        cwd: ROOT,
        env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", DATA_DIR: "/nonexistent", ...env },
      },
      (error, stdout, stderr) =>
        done({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, output: stdout + stderr }),
    );
  });

const allJobs = async (): Promise<unknown> => (await reveille.api("/v1/jobs?state=active,paused,finished")).json();

describe("npm run smoke", () => {
  it("sees a job fire, run and be explained, and leaves nothing behind", async () => {
    const { code, output } = await npmRun("smoke", [reveille.url], { ADMIN_TOKEN: reveille.adminToken });
    expect(output).toMatch(
      /^made {6}\S+, due at .*\nfired {5}run .*\nagent {5}answered 200: .*\nexplained ran: .*\ndeleted/,
    );
    expect(code, output).toBe(0);
    expect(await allJobs()).toEqual({ items: [] });
  });

  it("shows the fault of the agent's answer, and leaves nothing behind either", async () => {
    agent.answerWith(() => ({ status: 404 }));
    const { code, output } = await npmRun("smoke", [reveille.url], { ADMIN_TOKEN: reveille.adminToken });
    agent.answerWith(() => ({}));
    expect(output).toMatch(/^agent {5}error: .*404.*Set AGENT_URL/m);
    expect(code, output).toBe(0);
    expect(await allJobs()).toEqual({ items: [] });
  });

  it("fails with a wrong token", async () => {
    const { code, output } = await npmRun("smoke", [reveille.url], { ADMIN_TOKEN: "wrong" });
    expect([code, output]).toEqual([1, expect.stringContaining("FAILED: POST /v1/jobs answered 401 unauthorized")]);
  });
});

describe("npm run doctor", () => {
  it("finds no fault in a running service", async () => {
    const { code, output } = await npmRun("doctor", [reveille.url], { ADMIN_TOKEN: reveille.adminToken });
    const names = [...output.matchAll(/^ok {4}(\S+)/gm)].map(([, name]) => name);
    expect(names, output).toEqual([
      "health",
      "api",
      "operator",
      "strangers",
      "tokens",
      "clock",
      "directory",
      "tick",
      "sweep",
      "jobs",
      "failures",
    ]);
    expect(code).toBe(0);
    expect(output).toMatch(/^All is well\.$/m);
    expect(await allJobs()).toEqual({ items: [] });
  });

  it("reports failing jobs, and names the first with its reason", async () => {
    agent.answerWith(() => ({ status: 400, body: "the ledger is closed" }));
    const json = { name: "Invoices", message: "m", schedule: { manual: true } };
    const made = await reveille.api("/v1/jobs", { method: "POST", json });
    const { id } = z.looseObject({ id: z.string() }).parse(await made.json());
    await reveille.api(`/v1/jobs/${id}/run`, { method: "POST", json: { wait: "10s" } });
    const { code, output } = await npmRun("doctor", [reveille.url], { ADMIN_TOKEN: reveille.adminToken });
    expect(output).toMatch(/^note {2}failures {2}1 of 1 jobs failing: .*Invoices.*the ledger is closed/m);
    expect(output).toMatch(/^Nothing is wrong with the deployment; 1 thing to look at, marked "note"\.$/m);
    expect([code, output]).toEqual([0, expect.not.stringContaining("All is well")]);
    await reveille.api(`/v1/jobs/${id}`, { method: "DELETE" });
  });

  it.each([
    [
      "ADMIN_TOKEN is not the deployment's",
      () => reveille.url,
      "wrong",
      /^WRONG operator .*401 unauthorized.*secret put ADMIN_TOKEN/m,
    ],
    ["nothing answers there", () => "http://127.0.0.1:2", "any", /^WRONG health .*no answer: ECONNREFUSED/m],
  ])("ends with 1 and says what to do if %s", async (_, url, token, line) => {
    const { code, output } = await npmRun("doctor", [url()], { ADMIN_TOKEN: token });
    expect(output).toMatch(line);
    expect(code).toBe(1);
  });

  it.each([[[]], [["reveille.example.com"]], [["ftp://127.0.0.1/"]]])(
    "ends with 2 and shows its usage for %j",
    async (args) => {
      const { code, output } = await npmRun("doctor", args, { ADMIN_TOKEN: "any" });
      expect([code, output]).toEqual([2, expect.stringMatching(/^Usage: /)]);
    },
  );

  it("says that it needs ADMIN_TOKEN", async () => {
    const { code, output } = await npmRun("doctor", [reveille.url]);
    expect([code, output]).toEqual([2, expect.stringMatching(/^ADMIN_TOKEN is not set/)]);
  });
});

describe("the doctor's judgement", () => {
  const NOW = Date.parse("2026-11-23T09:00:00Z");
  const job = (fields: object) => ({ id: "j1", name: "one", consecutive_failures: 0, ...fields });

  it.each([
    [0, undefined, "ok"],
    [30_000, -30_000, "ok"],
    [30_001, 0, "wrong"],
    [0, -31_000, "wrong"],
  ])("a Worker's clock %i ms ahead and a Date header %s ms ahead are %s", (workers, header, verdict) => {
    expect(judgeClock(NOW, NOW + workers, header === undefined ? undefined : NOW + header).verdict).toBe(verdict);
  });

  it("a job is overdue once its time is more than two minutes past", () => {
    expect(judgeJobs([job({ next_run_at: "2026-11-23T08:58:00.000Z" }), job({})], true, NOW).verdict).toBe("ok");
    const { verdict, what, fix } = judgeJobs([job({ next_run_at: "2026-11-23T08:57:59.999Z" })], true, NOW);
    expect([verdict, what]).toEqual(["wrong", "1 of 1 jobs overdue: j1 (one)"]);
    expect(fix).toContain("/v1/jobs/j1/explain");
  });

  it("a mode in which nothing fires is wrong, and held jobs of users are a note", () => {
    expect(judgeMode("normal", true).verdict).toBe("ok");
    expect(judgeMode("stopped", true).verdict).toBe("wrong");
    expect(judgeMode("ephemeral", true).verdict).toBe("wrong");
    expect(judgeMode("normal", false).verdict).toBe("note");
  });

  it("past findings of the sweep and failing jobs are notes, with the reason", () => {
    expect([judgeSweep(0).verdict, judgeSweep(2).verdict]).toEqual(["ok", "note"]);
    expect(failingJobs([job({})]).verdict).toBe("ok");
    expect(failingJobs([job({ consecutive_failures: 2, last_error: "no agent" })])).toMatchObject({
      verdict: "note",
      fix: expect.stringContaining("no agent"),
    });
  });
});
