/** The command `reveille` against a running service: its stories, exit codes and output. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Ran, runCli, runHere, startCli } from "../harness/cli.ts";
import { eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

let reveille: Reveille;
let cwd: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
  env = { REVEILLE_URL: reveille.url, REVEILLE_TOKEN: reveille.adminToken };
});
beforeEach(async () => {
  cwd = await temporaryFolder();
});

const cli = (words: readonly string[], more: { env?: Record<string, string>; stdin?: string } = {}): Promise<Ran> =>
  runHere(words, { cwd, ...more, env: { ...env, ...more.env } });

const Job = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  schedule: z.unknown(),
  message: z.string().optional(),
});
const jobOf = ({ out }: Ran) => Job.parse(JSON.parse(out));

describe("jobs create", () => {
  it("takes a job's fields as options", async () => {
    const words = ["--name", "options", "--message", "hi", "--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin"];
    const ran = await cli([
      "jobs",
      "create",
      ...words,
      "--label",
      "team:ops",
      "--payload",
      '{"n":1}',
      "--max-attempts",
      "2",
      "--json",
    ]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(jobOf(ran)).toMatchObject({
      name: "options",
      schedule: { cron: "0 9 * * 1-5", timezone: "Europe/Berlin" },
      labels: { team: "ops" },
      payload: { n: 1 },
      retry: { max_attempts: 2 },
    });
  });

  it.each([
    ["job.json", '{"name": "file", "message": "hi", "schedule": {"every": "1h"}}'],
    ["job.yaml", "name: file\nmessage: hi\nschedule:\n  every: 1h\n"],
    ["job.toml", 'name = "file"\nmessage = "hi"\n[schedule]\nevery = "1h"\n'],
  ])("takes a file: %s", async (name, text) => {
    await writeFile(join(cwd, name), text);
    const ran = await cli(["jobs", "create", name, "--message", "from the option", "--json"]);
    expect(jobOf(ran)).toMatchObject({ name: "file", message: "from the option", schedule: { every: "1h" } });
  });

  it("takes stdin, and shows the job to people", async () => {
    const ran = await runCli(["jobs", "create"], {
      cwd,
      env,
      stdin: '{"name": "piped", "message": "hi", "schedule": {"every": "1h"}}',
    });
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^Created piped \(\S+\): active, it fires in (60 min|1 h), at \S+Z\.\n$/);
  });

  it("stores nothing with --dry-run", async () => {
    const ran = await cli(["jobs", "create", "--name", "dry", "--message", "hi", "--every", "1h", "--dry-run"]);
    expect([ran.code, ran.out]).toEqual([
      0,
      expect.stringMatching(/^dry is valid; nothing was stored.*\n( {2}\S+Z {2}\S+\n){5}$/),
    ]);
    expect((await cli(["jobs", "list", "--name", "dry", "--json"])).out).toContain('"items": []');
  });
});

it("lists, shows, edits, pauses, resumes, runs, explains and deletes a job by its name", async () => {
  await cli(["jobs", "create", "--name", "story", "--message", "Say hello.", "--every", "1h"]);
  const list = await cli(["jobs", "list", "--q", "stor"]);
  expect(list.out).toMatch(/^ID +NAME +STATE +NEXT +LAST +SCHEDULE\n\S+ +story +active +in .* every 1h\n$/);
  expect((await cli(["jobs", "get", "story"])).out).toContain("message: Say hello.");
  const edited = await cli(["jobs", "edit", "story", "--cron", "0 9 * * *", "--timezone", "Asia/Tokyo", "--json"]);
  expect(jobOf(edited)).toMatchObject({
    schedule: { cron: "0 9 * * *", timezone: "Asia/Tokyo" },
    message: "Say hello.",
  });
  expect((await cli(["jobs", "edit", "story", "--every", "2h"])).code).toBe(0);
  expect((await cli(["jobs", "pause", "story"])).out).toContain("Paused story");
  expect((await cli(["jobs", "resume", "story"])).out).toContain("Resumed story");
  const run = await cli(["jobs", "run", "story", "--wait"]);
  expect(run).toMatchObject({ code: 0, out: expect.stringContaining("Say hello.") });
  const runs = await cli(["jobs", "runs", "story", "--json"]);
  expect(JSON.parse(runs.out)).toMatchObject({ items: [{ status: "success", trigger: "manual" }] });
  expect((await cli(["jobs", "runs", "story"])).out).toMatch(/^ID +STATUS .*\n\S+ +success /);
  expect((await cli(["jobs", "explain", "story"])).code).toBe(0);
  expect((await cli(["jobs", "delete", "story"])).code).toBe(0);
  const gone = await cli(["jobs", "get", "story"]);
  expect(gone).toMatchObject({ code: 1, out: "", err: expect.stringContaining('There is no job "story".') });
});

it("forecasts fires and cost, in a table and as JSON, and says what is wrong with a window", async () => {
  await cli(["jobs", "create", "--name", "foreseen", "--message", "m", "--cron", "0 9 * * *"]);
  const shown = await cli(["forecast", "--days", "3", "--name", "foreseen"]);
  expect(shown.code).toBe(0);
  expect(shown.out).toMatch(/DAY +RUNS +COST\n\d{4}-\d\d-\d\d +1 *\n/);
  expect(shown.out).toMatch(/foreseen +3 +3/);
  const told = JSON.parse((await cli(["forecast", "--days", "3", "--name", "foreseen", "--json"])).out);
  expect(told).toMatchObject({ timezone: "UTC", items: [{ name: "foreseen", fires: 3, runs: 3 }] });
  expect(await cli(["forecast", "--days", "40"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("more than 31 days"),
  });
  expect((await cli(["forecast", "--name", "nobody"])).out).toContain("No job is going to fire");
  await cli(["jobs", "delete", "foreseen", "--yes"]);
});

it("previews a schedule", async () => {
  const ran = await cli([
    "preview",
    "0 9 * * 1-5",
    "--timezone",
    "Europe/Berlin",
    "--from",
    "2027-01-01T00:00:00Z",
    "--count",
    "2",
  ]);
  expect(ran.out).toContain("2027-01-01T09:00:00+01:00  2027-01-01T08:00:00.000Z");
  expect(ran.out).toContain("2027-01-04T09:00:00+01:00");
});

describe("exit codes", () => {
  it.each([
    ["an unknown command", ["jobs", "frob"]],
    ["no command", []],
    ["an unknown option", ["jobs", "list", "--frob"]],
    ["a missing argument", ["jobs", "get"]],
    ["an argument too many", ["jobs", "get", "a", "b"]],
    ["an option without its value", ["jobs", "list", "--limit"]],
    ["no field at all", ["jobs", "create"]],
    ["an address that is none", ["login", "reveille"]],
  ])("2 for %s, with the valid choices", async (_, words) => {
    const { code, out, err } = await cli(words);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/reveille( \S+)* --help|Usage: reveille/);
  });

  it("1 for a refused call, with its detail and hint on stderr", async () => {
    const words = ["jobs", "create", "--name", "x", "--message", "y", "--every", "soon"];
    const { code, out, err } = await runCli(words, { cwd, env });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/"soon" is not a duration.*\n.+\n$/s);
  });

  it("1 if nothing answers, or the token is wrong", async () => {
    const nobody = await cli(["jobs", "list"], { env: { REVEILLE_URL: "http://127.0.0.1:2" } });
    expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining("No answer from http://127.0.0.1:2") });
    const wrong = await cli(["jobs", "list"], { env: { REVEILLE_TOKEN: "wrong" } });
    expect(wrong).toMatchObject({ code: 1, out: "" });
  });

  it("0 for --help and --version, without a service", async () => {
    const none = { cwd, env: {} };
    expect(await runHere(["jobs", "create", "--help"], none)).toMatchObject({
      code: 0,
      out: expect.stringContaining("Examples:"),
    });
    expect(await runHere(["help", "jobs", "create"], none)).toMatchObject({
      code: 0,
      out: expect.stringContaining("--cron"),
    });
    expect(await runHere(["jobs", "--help"], none)).toMatchObject({
      code: 0,
      out: expect.stringContaining("jobs pause"),
    });
    expect((await runCli(["--version"], none)).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("the deployment", () => {
  it("is the one of the login, stored in a file that only its owner can read", async () => {
    const logged = await runCli(["login", reveille.url], { cwd, stdin: `${reveille.adminToken}\n` });
    expect(logged).toMatchObject({ code: 0, out: expect.stringContaining("the operator (admin)") });
    const file = join(cwd, ".config/reveille/login.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).toContain(reveille.adminToken);
    const who = await runHere(["whoami", "--json"], { cwd });
    expect(JSON.parse(who.out)).toMatchObject({ url: reveille.url, role: "admin", source: file });
    expect((await runHere(["jobs", "list"], { cwd })).code).toBe(0);
    const elsewhere = await runHere(["jobs", "list", "--url", "http://127.0.0.1:3"], { cwd });
    expect(elsewhere).toMatchObject({
      code: 1,
      err: expect.stringContaining("No token is known for http://127.0.0.1:3"),
    });
    expect((await runHere(["logout"], { cwd })).code).toBe(0);
    expect((await runHere(["jobs", "list"], { cwd })).code).toBe(1);
  });

  it("is not stored with a refused token", async () => {
    expect((await runHere(["login", reveille.url, "--token", "wrong"], { cwd })).code).toBe(1);
    await expect(stat(join(cwd, ".config/reveille/login.json"))).rejects.toThrow();
  });

  it("is the service of this folder without a login", async () => {
    const dataDir = await temporaryFolder();
    const local = await startReveille({ dataDir });
    const who = await runHere(["whoami", "--json"], { cwd, env: { DATA_DIR: dataDir } });
    expect(JSON.parse(who.out)).toMatchObject({ url: local.url, role: "admin" });
    await local.stop();
  });

  it("shows an agent's token as that agent's", async () => {
    const made = await cli(["tokens", "create", "--agent-id", "laptop", "--expires-in", "1h"]);
    const token = made.out.trim();
    const who = await cli(["whoami"], { env: { REVEILLE_TOKEN: token } });
    expect(who.out).toMatch(/^agent: agent laptop at /);
    expect(await cli(["agents", "set", "x", "--pull"], { env: { REVEILLE_TOKEN: token } })).toMatchObject({ code: 1 });
  });
});

it("follows a job during a run", async () => {
  const made = jobOf(await cli(["jobs", "create", "--name", "followed", "--message", "hi", "--every", "1h", "--json"]));
  const child = startCli(["tail", made.id], { cwd, env });
  let out = "";
  child.stdout.on("data", (data) => (out += String(data)));
  await eventually("the job", () => out.includes("followed is active"));
  await cli(["jobs", "run", made.id]);
  await eventually(
    () => `the run; it printed:\n${out}`,
    () => /success in .* attempt 1/.test(out),
  );
  await cli(["jobs", "delete", made.id]);
  await eventually("its end", () => child.exitCode === 0);
});

it("exports all jobs, and imports them elsewhere", async () => {
  await cli(["jobs", "create", "--name", "kept", "--message", "hi", "--every", "1h"]);
  const exported = await cli(["export"]);
  const other = await startReveille({ dataDir: await temporaryFolder() });
  const there = { REVEILLE_URL: other.url, REVEILLE_TOKEN: other.adminToken };
  const imported = await cli(["import", "-"], { env: there, stdin: exported.out });
  expect(imported).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+ imported, 0 skipped\.\n$/) });
  expect((await cli(["jobs", "list", "--name", "kept", "--json"], { env: there })).out).toContain('"kept"');
  await other.stop();
});
