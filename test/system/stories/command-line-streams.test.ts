/** The command among other programs: foreign servers at an address, closed pipes, a full disk, a terminal. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { type Ran, runHere, startCli } from "../harness/cli.ts";
import { atEnd, eventually, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const MAIN = resolve(import.meta.dirname, "../../../bin/reveille.mjs");

let reveille: Reveille;
let cwd: string;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
  cwd = await temporaryFolder();
  env = { REVEILLE_URL: reveille.url, REVEILLE_TOKEN: reveille.adminToken };
});

const cli = (words: readonly string[], more: Record<string, string> = {}): Promise<Ran> =>
  runHere(words, { cwd, env: { ...env, ...more } });

/** Another program at an address of this machine. */
async function siteThat(answers: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answers(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => void server.close().closeAllConnections());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

describe("an address of another server", () => {
  const COMMANDS = [
    ["jobs", "list"],
    ["jobs", "get", "x"],
    ["jobs", "create", "--name", "a", "--message", "b", "--every", "1h"],
    ["jobs", "run", "x"],
    ["preview", "@daily"],
    ["events"],
    ["tokens", "list"],
    ["tokens", "create", "--role", "viewer"],
    ["agents", "list"],
    ["whoami"],
  ];

  it.each([
    ["a web page", { "content-type": "text/html" }, "<h1>Hello</h1>"],
    ["other JSON", { "content-type": "application/json" }, '{"hello": "world"}'],
  ])("is reported in one sentence, without a stack: %s", async (_, headers, body) => {
    const url = await siteThat((response) => response.writeHead(200, headers).end(body));
    for (const words of COMMANDS) {
      const { code, out, err } = await runHere(words, { cwd, env: { ...env, REVEILLE_URL: url } });
      expect([code, out], words.join(" ")).toEqual([1, ""]);
      expect(err, words.join(" ")).toMatch(/not as Reveille does|none of Reveille's/);
    }
    expect(await runHere(["login", url, "--token", "x"], { cwd })).toMatchObject({ code: 1, out: "" });
    expect(existsSync(join(cwd, ".config/reveille/login.json"))).toBe(false);
  });

  it("does not redirect the command, and its refusals are reported with its address", async () => {
    const url = await siteThat((response) =>
      response.writeHead(302, { location: "https://login.example.com/x" }).end(),
    );
    const sent = await cli(["jobs", "list"], { REVEILLE_URL: url });
    expect(sent).toMatchObject({
      code: 1,
      err: expect.stringContaining("302 and sends on to https://login.example.com"),
    });
    const proxy = await siteThat((response) => response.writeHead(502).end("<h1>Bad gateway</h1>"));
    expect(await cli(["jobs", "list"], { REVEILLE_URL: proxy })).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${proxy} answered 502.`),
    });
  });
});

describe("an invalid token or address", () => {
  it("ends with 2, and the token is not printed", async () => {
    const { code, out, err } = await cli(["jobs", "list"], { REVEILLE_TOKEN: "secret\nvalue" });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("the token holds a blank");
    expect(err).not.toContain("secret");
    expect(await cli(["jobs", "list"], { REVEILLE_URL: "reveille" })).toMatchObject({
      code: 2,
      err: expect.stringContaining('REVEILLE_URL: "reveille" is no address'),
    });
  });

  it("explains what to do here if the token is refused, after the problem's own hint", async () => {
    const { code, err } = await cli(["jobs", "list"], { REVEILLE_TOKEN: "wrong" });
    expect([code, err]).toEqual([1, expect.stringMatching(/\n.+\nHere: `reveille login http:.*REVEILLE_TOKEN/)]);
  });

  it("says that the service of this folder was started with its own token, if it was", async () => {
    const dataDir = await temporaryFolder();
    const adminToken = "an-operators-token-of-thirty-two-characters";
    const local = await startReveille({ dataDir, env: { ADMIN_TOKEN: adminToken } });
    const without = await runHere(["whoami"], { cwd, env: { DATA_DIR: dataDir } });
    expect(without).toMatchObject({ code: 1, err: expect.stringContaining(`A service runs here, at ${local.url}`) });
    const given = await runHere(["whoami", "--json"], { cwd, env: { DATA_DIR: dataDir, REVEILLE_TOKEN: adminToken } });
    expect(JSON.parse(given.out)).toMatchObject({ url: local.url, role: "admin" });
    await local.stop();
  });
});

describe("streams", () => {
  const shell = (line: string) =>
    promisify(execFile)("bash", ["-c", line], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, NODE: process.execPath, MAIN, ...env },
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );

  it("end silently when the reader closes them", async () => {
    for (let count = 0; count < 5; count++) {
      const json = { name: `long ${count}`, message: "m".repeat(60_000), schedule: { every: "1h" } };
      await reveille.api("/v1/jobs", { json });
    }
    const { stdout, stderr } = await shell('"$NODE" "$MAIN" jobs list --json | head -c 1; echo " $PIPESTATUS"');
    expect([stdout, stderr]).toEqual(["{ 0\n", ""]);
  });

  it.runIf(existsSync("/dev/full"))(
    "end with 1 and the reason where a disk is full, or a file cannot be written",
    async () => {
      const full = await shell('"$NODE" "$MAIN" jobs list > /dev/full');
      expect(full).toMatchObject({ code: 1, stderr: expect.stringMatching(/^stdout cannot be written: .*\n$/) });
      const nowhere = await cli(["export", "-o", "/nonexistent/x"]);
      expect(nowhere).toMatchObject({ code: 1, err: expect.stringMatching(/^ENOENT: .*\n$/) });
    },
  );

  it.each([
    ["a terminal", {}, "\u001b[1mID"],
    ["NO_COLOR", { NO_COLOR: "1" }, "ID"],
    ["a terminal without colours", { TERM: "dumb" }, "ID"],
  ])("have colours on a terminal only: %s", async (_, more, begin) => {
    const child = spawn("script", ["-qec", `"${process.execPath}" "${MAIN}" jobs list`, "/dev/null"], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH, HOME: cwd, TERM: "xterm", ...env, ...more },
    });
    expect(await text(child.stdout)).toMatch(new RegExp(`^${begin.replace("[", "\\[")} `));
  });

  it("do not let a job's name control the terminal", async () => {
    await reveille.api("/v1/jobs", {
      json: { name: "x\u001b]0;owned\u0007", message: "m", schedule: { every: "1h" } },
    });
    const child = spawn("script", ["-qec", `"${process.execPath}" "${MAIN}" jobs list --q owned`, "/dev/null"], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH, HOME: cwd, TERM: "xterm", ...env },
    });
    const shown = await text(child.stdout);
    expect(shown).toContain("owned");
    expect(shown).not.toContain("\u001b]0;");
  });
});

it("doctor and smoke have --json for programs, like the other commands", async () => {
  await fetch(`${reveille.url}/cdn-cgi/local/scheduled`);
  const smoked = await runHere(["smoke", "--json"], { cwd, env });
  expect(smoked).toMatchObject({ code: 0, err: "" });
  const steps = ["made", "fired", "agent", "explained", "deleted"];
  expect(JSON.parse(smoked.out)).toEqual({
    ok: true,
    steps: steps.map((step) => ({ step, what: expect.any(String) })),
  });
  const looked = await runHere(["doctor", "--json"], { cwd, env });
  expect(JSON.parse(looked.out)).toMatchObject({
    ok: looked.code === 0,
    checks: expect.arrayContaining([{ check: "health", verdict: "ok", what: expect.any(String) }]),
  });
  expect(JSON.parse((await runHere(["logout", "--json"], { cwd, env })).out)).toEqual({ forgotten: false });
});

describe("jobs run --wait", () => {
  it("ends with the run, or with 1 if it has not ended in time, and refuses an invalid time", async () => {
    const agent = await startAgent();
    await reveille.api("/v1/agents/slow", { method: "PUT", json: { url: agent.url, secret: agent.secret } });
    agent.answerWith(() => ({ delayMs: 3_000, body: "done" }));
    const job = { name: "slow", message: "m", agent_id: "slow", overlap: "allow_all", schedule: { manual: true } };
    await reveille.api("/v1/jobs", { json: job });
    expect(await cli(["jobs", "run", "slow", "--wait", "1s"])).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/^Run \S+ has not ended within 1s\.\nIt goes on: /),
    });
    await eventually("the first run's end", async () => (await cli(["jobs", "runs", "slow"])).out.includes("success"));
    expect(await cli(["jobs", "run", "slow", "--wait", "20s"])).toMatchObject({ code: 0, out: "done\n", err: "" });
    expect(await cli(["jobs", "run", "slow", "--wait"])).toMatchObject({ code: 0, out: "done\n" });
    expect(await cli(["jobs", "run", "slow", "--wait", "2m"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/wait: .*1s.*50s/),
    });
  });
});

it("tail shows each change of a job's state, also a state that it had before", async () => {
  await cli(["jobs", "create", "--name", "tailed", "--message", "m", "--manual"]);
  const child = startCli(["tail", "tailed"], { cwd, env });
  let out = "";
  child.stdout.on("data", (data) => (out += String(data)));
  const shows = (words: RegExp): Promise<boolean | undefined> =>
    eventually(
      () => `${words} in what it printed:\n${out}`,
      () => words.test(out),
    );
  await shows(/^tailed is active/);
  await cli(["jobs", "pause", "tailed"]);
  await shows(/tailed is paused/);
  await cli(["jobs", "resume", "tailed"]);
  await shows(/tailed is paused.*\ntailed is active/);
  child.kill("SIGINT");
  await once(child, "close");
  expect(child.exitCode === 0 || child.signalCode === "SIGINT").toBe(true);
});

it("tail shows new events of all jobs, and no earlier ones", async () => {
  const failing = { message: "m", agent_id: "nobody", schedule: { manual: true } };
  await reveille.api("/v1/jobs", { json: { name: "before", ...failing } });
  await cli(["jobs", "run", "before", "--wait"]);
  await eventually("its event", async () => (await cli(["events"])).out.includes("before"));
  const child = startCli(["tail", "--json"], { cwd, env });
  let out = "";
  child.stdout.on("data", (data) => (out += String(data)));
  // Events that come before its first poll count as earlier ones.
  await new Promise((done) => setTimeout(done, 3_000));
  await reveille.api("/v1/jobs", { json: { name: "after", ...failing } });
  await cli(["jobs", "run", "after", "--wait"]);
  await eventually("the event of the second job", () => out.includes('"job_name":"after"'));
  await new Promise((done) => setTimeout(done, 2_500));
  expect(out.match(/"run.failed"/g)).toHaveLength(1);
  child.kill();
});
