/** wrangler.toml is read like wrangler reads it, and only again when it has changed. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readWorkerConfig } from "../../../local/worker-config.ts";
import { temporaryFolder } from "../harness/index.ts";

const TOML = `
name = "first"
main = "worker.ts"
compatibility_date = "2026-10-23"
triggers = { crons = ["*/5 * * * *"] }
vars = { GREETING = "hello", LIMITS = { most = 3 } }
[[durable_objects.bindings]]
name = "THING"
class_name = "Thing"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Thing"]
`;

async function project(toml: string) {
  const folder = await temporaryFolder();
  const [path, keptIn] = [join(folder, "wrangler.toml"), join(folder, "kept")];
  await writeFile(join(folder, "worker.ts"), "export default {};");
  await writeFile(path, toml);
  const read = async () => {
    const config = await readWorkerConfig(path, keptIn);
    if (!config.ok) throw new Error(config.error);
    return config.value;
  };
  const kept = async () => Promise.all((await readdir(keptIn)).map((name) => join(keptIn, name)));
  return { folder, path, read, kept };
}

describe("what wrangler.toml says", () => {
  it("is the same as wrangler reads", async () => {
    const { folder, read } = await project(TOML);
    expect(await read()).toMatchObject({
      name: "first",
      main: join(folder, "worker.ts"),
      crons: ["*/5 * * * *"],
      vars: { GREETING: "hello", LIMITS: { most: 3 } },
      workerFirst: [],
      options: {
        compatibilityDate: "2026-10-23",
        durableObjects: { THING: { className: "Thing", useSQLite: true } },
      },
    });
  });

  it("is the same from the kept copy", async () => {
    const { read, kept } = await project(TOML);
    const first = await read();
    const [path = ""] = await kept();
    await writeFile(path, (await readFile(path, "utf8")).replace('"hello"', '"hello from what was kept"'));
    expect(await read()).toEqual({ ...first, vars: { ...first.vars, GREETING: "hello from what was kept" } });
  });

  it("is read again when the file has changed, or the kept copy is damaged", async () => {
    const { path, read, kept } = await project(TOML);
    await read();
    await writeFile(path, TOML.replace("first", "second"));
    expect((await read()).name).toBe("second");
    const files = await kept();
    expect(files).toHaveLength(1);
    for (const file of files) await writeFile(file, (await readFile(file, "utf8")).slice(0, 100));
    expect((await read()).name).toBe("second");
  });

  it.each([
    ["has no main file", TOML.replace('main = "worker.ts"', ""), /names no main file/],
    ["is no TOML", "name = ", /cannot be read/],
    ["says what wrangler does not take", TOML.replace('"2026-10-23"', "5"), /cannot be read/],
  ])("is an error with the file's name if it %s", async (_what, toml, message) => {
    const { path } = await project(toml);
    const config = await readWorkerConfig(path, join(path, "../kept"));
    expect(config).toMatchObject({ ok: false, error: expect.stringMatching(message) });
    expect(config).toMatchObject({ error: expect.stringContaining(path) });
  });

  it("is an error if there is no such file", async () => {
    const missing = join(await temporaryFolder(), "wrangler.toml");
    const config = await readWorkerConfig(missing);
    expect(config).toMatchObject({ ok: false, error: expect.stringContaining("no such file") });
  });

  it("leaves the values of .dev.vars out of the kept copy", async () => {
    const { folder, read, kept } = await project(TOML);
    await writeFile(join(folder, ".dev.vars"), "PASSWORD=not-to-be-copied");
    expect(JSON.stringify(await read())).not.toContain("not-to-be-copied");
    for (const file of await kept()) expect(await readFile(file, "utf8")).not.toContain("not-to-be-copied");
  });
});
