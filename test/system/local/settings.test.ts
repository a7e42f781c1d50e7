/** The sources of `npm start`'s settings (docs/contract.md §11). */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDevVars } from "../../../local/dev-vars.ts";
import { readSettings } from "../../../local/settings.ts";
import { temporaryFolder } from "../harness/index.ts";

const read = (environment: Record<string, string>, devVars: Record<string, string | undefined> = {}) =>
  readSettings(environment, devVars, "/home/operator");

describe("readSettings", () => {
  it("listens on 8787 and keeps .reveille below the folder it is started in, when nothing is set", () => {
    expect(read({})).toEqual({
      ok: true,
      value: { port: 8787, dataDir: "/home/operator/.reveille", legacyDataPath: undefined, cron: true, worker: {} },
    });
  });

  it("takes the environment before .dev.vars, and an empty value as unset", () => {
    const settings = read(
      { PORT: "", AGENT_URL: "http://127.0.0.1:1/", MODE: "  ", DATA_DIR: "data" },
      { PORT: "9000", AGENT_URL: "http://127.0.0.1:2/", CHAT_URL: "", ADMIN_TOKEN: "operator" },
    );
    expect(settings).toMatchObject({
      ok: true,
      value: {
        port: 9000,
        dataDir: "/home/operator/data",
        worker: { AGENT_URL: "http://127.0.0.1:1/", ADMIN_TOKEN: "operator" },
      },
    });
    expect(settings.ok && Object.keys(settings.value.worker)).toEqual(["ADMIN_TOKEN", "AGENT_URL"]);
  });

  it("passes only Reveille's own settings to the Worker", () => {
    expect(read({ HOME: "/home/operator", SHELL: "/bin/sh", RUN_RETENTION: "5" })).toMatchObject({
      value: { worker: { RUN_RETENTION: "5" } },
    });
    expect(read({ HOME: "/home/operator" })).toMatchObject({ value: { worker: {} } });
  });

  it.each([
    ["PORT", "http"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PORT", "65536"],
    ["PORT", "0x50"],
    ["MODE", "sleeping"],
    ["USER_JOBS", "perhaps"],
    ["ACTIVE_WINDOW", "a while"],
    ["CRON", "no"],
    ["CALLS_PER_WAKE", "0"],
    ["RUN_RETENTION", "0"],
    ["MAX_JOBS_PER_OWNER", "many"],
    // Every complete.url begins with it.
    ["PUBLIC_URL", "reveille.example.com"],
  ])("refuses %s=%s by name", (name, value) => {
    expect(read({ [name]: value })).toEqual({ ok: false, error: [expect.stringContaining(name)] });
  });

  it("names every kind of mistake at once", () => {
    const settings = read({ PORT: "http", MODE: "sleeping" });
    expect(settings.ok ? [] : settings.error).toHaveLength(2);
  });
});

describe("readDevVars", () => {
  it("reads the dotenv syntax, comments and quotes included", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, ".dev.vars"), '# local\nPORT=9000\nADMIN_TOKEN="with space"\nMODE=\n');
    expect(readDevVars(folder)).toEqual({ PORT: "9000", ADMIN_TOKEN: "with space", MODE: "" });
  });

  it("is empty if there is no such file", async () => {
    expect(readDevVars(await temporaryFolder())).toEqual({});
  });
});
