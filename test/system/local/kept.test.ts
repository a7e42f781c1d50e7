/** The files that a start has built are kept, and built again only when their sources have changed. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { bundleWorker } from "../../../local/bundle.ts";
import { keptOrBuilt } from "../../../local/kept.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { temporaryFolder } from "../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

let folder: string;
let source: string;
let path: string;
let builds: number;
beforeEach(async () => {
  folder = await temporaryFolder();
  source = join(folder, "sources/a.ts");
  path = join(folder, "kept/thing.json");
  builds = 0;
  await mkdir(join(folder, "sources"));
  await writeFile(source, "one");
});

/** Builds the text of the one source and counts how often. */
const read = (key = "") =>
  keptOrBuilt(path, key, async () => {
    builds += 1;
    const files = [source, join(folder, "sources"), join(folder, "absent")];
    return ok({ value: await readFile(source, "utf8"), files });
  });

it("is returned without being built again", async () => {
  expect([await read(), await read()]).toEqual([ok("one"), ok("one")]);
  expect(builds).toBe(1);
  // The same content with another date counts as unchanged.
  await writeFile(source, "one");
  expect(await read()).toEqual(ok("one"));
  expect(builds).toBe(1);
});

it.each([
  ["a file has changed", () => writeFile(source, "two"), "two"],
  ["a folder has another file", () => writeFile(join(folder, "sources/b.ts"), ""), "one"],
  ["a file is there that was not", () => writeFile(join(folder, "absent"), "now it is"), "one"],
  ["what was kept is damaged", async () => writeFile(path, (await readFile(path, "utf8")).slice(0, 10)), "one"],
  ["what was kept is gone", () => rm(path), "one"],
])("is built again if %s", async (_, change, text) => {
  await read();
  await change();
  expect(await read()).toEqual(ok(text));
  expect(builds).toBe(2);
});

it("is built again under another key", async () => {
  await read("one setting");
  await read("another");
  expect(builds).toBe(2);
});

it("is not kept if it could not be built, or JSON cannot hold it", async () => {
  expect(await keptOrBuilt(path, "", async () => err("no"))).toEqual(err("no"));
  const made = await keptOrBuilt(path, "", async () => ok({ value: { of: () => 1 }, files: [] }));
  expect(made.ok).toBe(true);
  expect(await readdir(folder)).toEqual(["sources"]);
});

it("is not kept if a file was saved during the build", async () => {
  const build = async () => {
    const value = await readFile(source, "utf8");
    await writeFile(source, "two");
    const later = new Date(Date.now() + 1_000);
    await utimes(source, later, later);
    return ok({ value, files: [source] });
  };
  expect(await keptOrBuilt(path, "", build)).toEqual(ok("one"));
  expect(await read()).toEqual(ok("two"));
});

it("a Worker depends on each of its files, on the packages, and on how it is bundled", async () => {
  const bundled = await bundleWorker(join(ROOT, "src/index.ts"), {}, []);
  if (!bundled.ok) throw new Error(bundled.error);
  for (const name of [
    "src/index.ts",
    "durable-objects/job/object.ts",
    "local/assets.ts",
    "node_modules/.package-lock.json",
    "local/bundle.ts",
    "tsconfig.json",
  ]) {
    expect(bundled.value.files).toContain(join(ROOT, name));
  }
  expect(bundled.value.files.filter((file) => file.includes("node_modules/hono/")).length).toBeGreaterThan(5);
});
