/** `npm start` as an operator sees it (docs/contract.md §11). */
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { atEnd, eventually, type Reveille, startAndFail, startReveille, temporaryFolder } from "../harness/index.ts";

/** The status of a GET with headers that `fetch` would not send. */
const statusOf = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });

describe("with nothing set", () => {
  let reveille: Reveille;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await temporaryFolder();
    reveille = await startReveille({ dataDir, by: "npm" });
  });

  it("prints the example agent, the operator's token, where to look, and one Ready line; no other secret", async () => {
    const lines = reveille.lines().filter((line) => !line.startsWith("agent: "));
    expect(
      lines.map((line) =>
        line
          .replace(/:\d{4,5}\/?/g, ":PORT/")
          .replace(/PORT\/(?=$| and)/, "PORT")
          .replace(/=\S{43} /, "=SECRET "),
      ),
    ).toEqual([
      "AGENT_URL is not set: a bundled example agent answers on http://127.0.0.1:PORT and prints the messages that it receives",
      "ADMIN_TOKEN=SECRET (made for this machine and kept in DATA_DIR)",
      "TOKEN_SECRET was made for this machine and is kept in DATA_DIR",
      "Dashboard http://127.0.0.1:PORT/  API reference http://127.0.0.1:PORT/docs  MCP http://127.0.0.1:PORT/mcp",
      "Ready on http://127.0.0.1:PORT",
    ]);
    const tokenSecret = (await readFile(join(dataDir, "TOKEN_SECRET"), "utf8")).trim();
    expect(reveille.output()).not.toContain(tokenSecret);
    expect((await fetch(`${reveille.url}/healthz`)).status).toBe(200);
  });

  it("PORT=0 is a free port that no other program gets during the start", () => {
    expect(reveille.port).toBeGreaterThanOrEqual(20_000);
    expect(reveille.port).toBeLessThan(32_768);
  });

  it("makes the printed token the operator's, and refuses others", async () => {
    expect((await reveille.api("/v1/jobs")).status).toBe(200);
    expect((await reveille.api("/v1/jobs", { token: "another" })).status).toBe(401);
  });

  it("keeps the secrets readable only by their owner", async () => {
    for (const name of ["ADMIN_TOKEN", "TOKEN_SECRET", "AGENT_SECRET"]) {
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
    }
    expect(await readFile(join(dataDir, "AGENT_SECRET"), "utf8")).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/);
  });

  it("keeps every file in DATA_DIR readable only by its owner", async () => {
    const entries = await readdir(dataDir, { recursive: true });
    const modes = await Promise.all(entries.map(async (name) => (await stat(join(dataDir, name))).mode & 0o077));
    expect(entries.length).toBeGreaterThan(3);
    expect(entries.filter((_name, index) => modes[index] !== 0)).toEqual([]);
  });

  it("calls the example agent for a job, which prints one line, and its answer is the run's output", async () => {
    const created = await reveille.api("/v1/jobs", {
      json: { name: "greeting", schedule: { every: "1h" }, message: "Say good\nmorning" },
    });
    expect(created.status).toBe(201);
    const { id }: { id: string } = await created.json();
    expect((await reveille.api(`/v1/jobs/${id}/run`, { method: "POST" })).status).toBe(202);
    const line = `agent: asked in session scheduler:${id}: Say good morning`;
    await eventually(
      () => `"${line}" in:\n${reveille.output()}`,
      () => reveille.lines().includes(line),
    );
    const run = await eventually("a run that ended well", async () => {
      const answer = await reveille.api(`/v1/jobs/${id}/runs`);
      const { items }: { items: { status: string; output?: string }[] } = await answer.json();
      return items.find(({ status }) => status === "success");
    });
    expect(run.output).toContain("Say good\\nmorning");
  });

  it.each([[""], ["?time=1795424400000"]])(
    "fires the Cron Trigger on GET /cdn-cgi/local/scheduled%s and answers when it is done",
    async (query) => {
      const response = await fetch(`${reveille.url}/cdn-cgi/local/scheduled${query}`);
      expect([response.status, await response.text()]).toEqual([200, "ok"]);
    },
  );

  it.each(["abc", "-1", "1e3", "2026-11-23T09:00:00Z", "8640000000000001"])(
    "says how to correct a call of the Cron Trigger with the time %s",
    async (time) => {
      const response = await reveille.api(`/cdn-cgi/local/scheduled?time=${time}`);
      expect(response.status).toBe(422);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({
        status: 422,
        code: "validation_failed",
        detail: expect.stringContaining(`milliseconds since 1970, as JavaScript's Date.now() gives them`),
        hint: expect.stringContaining("?time=1795424400000"),
        errors: [{ path: "time" }],
      });
    },
  );

  it("refuses, with code 1 and a sentence, a folder that another npm start uses", async () => {
    const { code, output } = await startAndFail({ dataDir, by: "npm" });
    expect(code).toBe(1);
    expect(output).toContain(`is in use by the npm start on ${reveille.url}`);
  });

  it("lets no page of another site fire the Cron Trigger", async () => {
    for (const headers of [
      { origin: "https://elsewhere.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { host: "elsewhere.example" },
    ]) {
      expect(await statusOf(`${reveille.url}/cdn-cgi/local/scheduled`, headers)).toBe(403);
    }
    expect(await statusOf(`${reveille.url}/cdn-cgi/local/scheduled`, { origin: reveille.url })).toBe(200);
  });
});

it("prints no secret and makes none when agent, token and secret are set, and warns of a short one", async () => {
  const dataDir = await temporaryFolder();
  const env = {
    AGENT_URL: "http://127.0.0.1:9/",
    ADMIN_TOKEN: "operator",
    TOKEN_SECRET: "0123456789abcdef0123456789abcdef",
  };
  const reveille = await startReveille({ dataDir, env });
  expect(reveille.lines().map((line) => line.replace(/ 127.*| http.*/, ""))).toEqual([
    "Dashboard",
    "Warning: ADMIN_TOKEN has fewer than 32 characters, which Cloudflare refuses. Make one: openssl rand -base64 32",
    "Ready on",
  ]);
  const files = await readdir(dataDir);
  expect(files.filter((name) => /TOKEN|SECRET/.test(name))).toEqual([]);
});

describe("it refuses, with code 1 and a sentence,", () => {
  it("a port that is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, output } = await startAndFail({ dataDir: await temporaryFolder(), port });
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is already in use. Stop what listens on it, or set another one`);
  });

  it.each([
    [{ PORT: "http" }, 'PORT is "http"; it must be a whole number'],
    [{ MODE: "sleeping" }, "The setting MODE is not usable"],
  ])("%o, before it creates anything", async (env, sentence) => {
    const dataDir = join(await temporaryFolder(), "data");
    const { code, output } = await startAndFail({ dataDir, env });
    expect(code).toBe(1);
    expect(output).toContain(sentence);
    await expect(stat(dataDir)).rejects.toThrow("ENOENT");
  });

  it("a DATA_DIR that is a file", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    const { code, output } = await startAndFail({ dataDir: file });
    expect(code).toBe(1);
    expect(output).toContain("DATA_DIR cannot be used");
  });

  it.each([
    ["/proc/nope", "that cannot be made"],
    ["/proc/nope/deeper", "within one that cannot be made"],
    ["/proc", "that cannot be written"],
  ])("the DATA_DIR %s, %s, in one line", async (dataDir) => {
    const { code, output } = await startAndFail({ dataDir });
    expect(code).toBe(1);
    const lines = output.split("\n").filter((line) => line !== "" && !line.startsWith("> "));
    expect(lines).toEqual([expect.stringMatching(/^DATA_DIR cannot be used: .*\/proc/)]);
  });
});

describe("LEGACY_DATA_PATH", () => {
  it("is imported once, before the Ready line, and jobs.json is renamed", async () => {
    const [dataDir, legacy] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(legacy, "jobs.json"), "[]");
    await writeFile(join(legacy, "jobs.json.imported"), "an earlier one");
    const env = { LEGACY_DATA_PATH: legacy };
    const first = await startReveille({ dataDir, env });
    expect(first.lines().at(-2)).toBe(
      `Imported 0 jobs from ${join(legacy, "jobs.json")}; the file is now jobs.json.imported.2`,
    );
    expect((await readdir(legacy)).toSorted()).toEqual(["jobs.json.imported", "jobs.json.imported.2"]);
    await first.stop();
    const second = await startReveille({ dataDir, env });
    expect(second.output()).not.toContain("Imported");
  });

  it("larger than the body of one call is imported whole, and reported as one file", async () => {
    const legacy = await temporaryFolder();
    const text = "x".repeat(60_000);
    const job = { name: "n", message: text, payload: { text }, schedule: { every: "1d" } };
    const jobs = Array.from({ length: 90 }, (_, i) => ({ id: `large${i}`, ...job }));
    await writeFile(join(legacy, "jobs.json"), JSON.stringify([...jobs, { name: "without an id" }]));
    const reveille = await startReveille({ dataDir: await temporaryFolder(), env: { LEGACY_DATA_PATH: legacy } });
    expect(reveille.lines().at(-2)).toMatch(/^Imported 90 jobs from .*, 1 skipped \(#91: .*\); the file is now/);
    expect((await reveille.api("/v1/jobs/large89")).status).toBe(200);
  });

  it("that cannot be imported stays unchanged, and one line says why", async () => {
    const legacy = await temporaryFolder();
    await writeFile(join(legacy, "jobs.json"), "{ half a file");
    const reveille = await startReveille({ dataDir: await temporaryFolder(), env: { LEGACY_DATA_PATH: legacy } });
    expect(reveille.lines().at(-2)).toMatch(/^LEGACY_DATA_PATH: .*jobs\.json was not imported: 400 \S/);
    expect(await readdir(legacy)).toEqual(["jobs.json"]);
  });

  it("without a jobs.json says so", async () => {
    const legacy = join(await temporaryFolder(), "go");
    await mkdir(legacy);
    const reveille = await startReveille({ dataDir: await temporaryFolder(), env: { LEGACY_DATA_PATH: legacy } });
    expect(reveille.lines()).toContain(`LEGACY_DATA_PATH: there is no jobs.json in ${legacy}`);
  });
});
