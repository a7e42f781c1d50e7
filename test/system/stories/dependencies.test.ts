/** The project's dependencies: each has a reason and an allowed licence, and no unlisted package is shipped. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import * as z from "zod";

const ROOT = resolve(import.meta.dirname, "../../..");
const ALLOWED = ["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "CC0-1.0"];

const names = z.record(z.string(), z.string());
const manifest = z
  .object({ dependencies: names, devDependencies: names })
  .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
const every = { ...manifest.dependencies, ...manifest.devDependencies };
const page = readFileSync(join(ROOT, "docs/dependencies.md"), "utf8");

/** The rows of the table under a heading of the page, without their backticks. */
const rowsUnder = (heading: string): string[][] => {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  return [...(section.split("\n## ")[0] ?? "").matchAll(/^\| (`.*) \|$/gm)].map(([, row = ""]) =>
    row.split(" | ").map((cell) => cell.replaceAll("`", "")),
  );
};
const shipped = rowsUnder("Shipped");
const command = rowsUnder("With the command");
const tools = rowsUnder("For development");

const licenceOf = (name: string): string =>
  z
    .object({ license: z.string() })
    .parse(JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"))).license;

describe("docs/dependencies.md", () => {
  it("has a reason for every dependency, and none for removed ones", () => {
    const listed = [...shipped, ...command, ...tools].map(([name]) => name);
    expect(listed.toSorted()).toEqual(Object.keys(every).toSorted());
    expect([...shipped, ...command, ...tools].filter((row) => (row.at(-1) ?? "").length < 5)).toEqual([]);
  });

  it("names the licences that the installed packages have", () => {
    const installed = [...shipped, ...command];
    expect(installed.map(([name = "", licence]) => [name, licence])).toEqual(
      installed.map(([name = ""]) => [name, licenceOf(name)]),
    );
  });
});

it("pins every version", () => {
  const loose = Object.entries(every).filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
  expect(loose).toEqual([]);
});

it("has no production package, direct or indirect, whose licence demands more than a notice", () => {
  const { packages } = z
    .object({
      packages: z.record(
        z.string(),
        z.object({
          license: z.string().optional(),
          dev: z.boolean().optional(),
          devOptional: z.boolean().optional(),
          optional: z.boolean().optional(),
        }),
      ),
    })
    .parse(JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")));
  // The optional packages are miniflare's binaries for pictures. npm downloads them, and we ship none.
  const production = Object.entries(packages).filter(
    ([path, { dev, devOptional, optional }]) => path !== "" && !dev && !devOptional && !optional,
  );
  expect(production.length).toBeGreaterThanOrEqual(Object.keys(manifest.dependencies).length);
  expect(production.filter(([, { license }]) => !ALLOWED.includes(license ?? ""))).toEqual([]);
});

describe.each([
  ["the Worker", "src/index.ts", []],
  // Copied as files, not bundled: web/docs/files.ts.
  ["the dashboard", "web/src/main.tsx", ["swagger-ui-dist"]],
])("%s", (_, entry, copied) => {
  it("holds only code of packages that are listed as shipped, all under allowed licences", async () => {
    const inside = await packagesIn(entry);
    const known = [...shipped.map(([name = ""]) => name), ...BROUGHT_ALONG];
    expect(inside.filter((name) => !known.includes(name))).toEqual([]);
    expect([...inside, ...copied].filter((name) => !ALLOWED.includes(licenceOf(name)))).toEqual([]);
  });
});

it("uses every package that is listed as shipped", async () => {
  const used = [...(await packagesIn("src/index.ts")), ...(await packagesIn("web/src/main.tsx")), "swagger-ui-dist"];
  expect(shipped.filter(([name = ""]) => !used.includes(name))).toEqual([]);
});

/** The dependencies of the shipped packages, which the page names under the table. */
const BROUGHT_ALONG = [...(page.match(/^They depend on (.*)$/m)?.[1] ?? "").matchAll(/`([^`]+)`/g)].map(
  ([, name = ""]) => name,
);

/** The packages whose code is in the bundle of `entry`. */
async function packagesIn(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
  });
  const found = Object.keys(metafile.inputs).flatMap(
    (path) => path.match(/(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/)?.[1] ?? [],
  );
  return [...new Set(found)].toSorted();
}
