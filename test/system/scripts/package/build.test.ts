/** The package as users get it: packed, installed in an empty folder, imported, type-checked, bundled and started. */
import { spawn } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { isLong } from "../../../size.ts";
import { atEnd, eventually, temporaryFolder } from "../../harness/index.ts";
import { runAsStranger } from "../../harness/stranger.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");
const BIN = join(ROOT, "node_modules/.bin");
/** npm itself runs on the machine's Node, which may be 20. The `node` package has Node 24. */
const SYSTEM_NODE = join(resolve(process.env.npm_node_execpath ?? process.execPath));
const INSTALL_MS = 180_000;

/** A user's folder with only the package installed in it. */
let folder: string;
let packed: readonly string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  const pack = await run("npm", ["pack", "--json", "--pack-destination", folder], ROOT);
  const [made] = Packed.parse(JSON.parse(pack.slice(pack.indexOf("[\n"))));
  packed = made?.files.map(({ path }) => path) ?? [];
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "stranger", type: "module", private: true }));
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, made?.filename ?? "")]);
  // Types and tools that a user's project has beside the package.
  await mkdir(join(folder, "node_modules/@cloudflare"), { recursive: true });
  await symlink(
    join(ROOT, "node_modules/@cloudflare/workers-types"),
    join(folder, "node_modules/@cloudflare/workers-types"),
  );
}, INSTALL_MS);

const Packed = z.array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }));

/** stdout of a command in the user's folder, without this repository's environment. */
const run = (command: string, args: readonly string[], cwd = folder): Promise<string> =>
  runAsStranger(command, args, cwd);

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

it("holds the compiled code and its types, but no source, test or bench", () => {
  expect(
    packed.filter((path) => !/^(?:bin\/reveille\.mjs$|dist\/package\/|README\.md$|LICENSE$|package\.json$)/.test(path)),
  ).toEqual([]);
  expect(packed.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
  for (const name of ["index", "client", "agent", "cli"]) {
    expect(packed).toContain(`dist/package/${name}.js`);
    expect(packed).toContain(`dist/package/${name}.js.map`);
  }
});

it("has one file of types per entry, which needs no other file of ours", async () => {
  const types = packed.filter((path) => path.endsWith(".d.ts")).toSorted();
  expect(types).toEqual(["agent", "client", "index"].map((name) => `dist/package/${name}.d.ts`));
  for (const path of types) {
    const text = await readFile(join(folder, "node_modules/reveille", path), "utf8");
    const named = [...text.matchAll(/(?:from |import\()"([^"]+)"/g)].map(([, name]) => name);
    expect(
      named.filter((name) => name?.startsWith(".")),
      path,
    ).toEqual([]);
    // Editors show a comment only where it begins a line.
    expect(
      text.split("\n").filter((line) => /\S \/\*\*/.test(line)),
      path,
    ).toEqual([]);
  }
});

it("passes publint and Are The Types Wrong", async () => {
  expect(await run(join(BIN, "publint"), ["--strict", "--pack", "false"], ROOT)).toContain("All good");
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  await run(join(BIN, "attw"), [join(folder, tarball ?? ""), "--profile", "esm-only"], ROOT);
});

const CLIENT = `
  import { createClient } from "reveille/client";
  import { createAgent } from "reveille/agent";
  const agent = createAgent({ secret: "whsec_c2VjcmV0", onRun: ({ message, session_id }) => message + session_id });
  if ((await agent(new Request("http://127.0.0.1/", { method: "POST", body: "{}" }))).status !== 401) throw new Error("let in");
  const api = createClient("http://127.0.0.1:1", "token", { fetch: async () => Response.json({ items: [] }) });
  const list = await api.v1.jobs.$get({ query: { name: "x" } });
  if ((await list.json()).items.length !== 0) throw new Error("not empty");
`;

describe("client and agent", () => {
  it.each([
    ["Node on this machine", SYSTEM_NODE],
    ["Node 24", join(BIN, "node")],
  ])("are imported by %s", async (_, node) => {
    await write("client.mjs", CLIENT);
    await run(node, ["client.mjs"]);
  });

  it.each(["client", "agent"])("load nothing of the Worker: %s", async (module) => {
    expect(await inputsOf(module)).toEqual([]);
  });

  it.runIf(isLong)("are imported by Deno and Bun, if npm has them", { timeout: INSTALL_MS }, async () => {
    await write("client.mjs", CLIENT);
    const tools = await temporaryFolder();
    await writeFile(
      join(tools, "package.json"),
      JSON.stringify({ private: true, allowScripts: { bun: true, deno: true } }),
    );
    await run("npm", ["install", "--no-audit", "--no-fund", "deno@2.9.6", "bun@1.4.5"], tools);
    await run(join(tools, "node_modules/.bin/deno"), ["run", "--allow-all", "client.mjs"]);
    await run(join(tools, "node_modules/.bin/bun"), ["run", "client.mjs"]);
  });
});

/** Packages that a module adds to a browser's bundle, except hono, which has the client. */
async function inputsOf(module: string): Promise<string[]> {
  const { metafile } = await build({
    stdin: { contents: `export * from "reveille/${module}"`, resolveDir: folder },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    logLevel: "silent",
  });
  const names = Object.keys(metafile.inputs).flatMap(
    (path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? [],
  );
  return [...new Set(names)].filter((name) => name !== "reveille" && name !== "hono").toSorted();
}

describe("types, strict and without skipLibCheck", () => {
  const RESOLUTIONS = [
    ["bundler", "esnext"],
    ["nodenext", "nodenext"],
  ] as const;
  const compile = (resolution: string, module: string, more: object, file: string): Promise<string> =>
    write(
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: {
          strict: true,
          skipLibCheck: false,
          noEmit: true,
          target: "es2022",
          module,
          moduleResolution: resolution,
          types: [],
          ...more,
        },
        files: [file],
      }),
    ).then(() => run(join(BIN, "tsc"), ["-p", "."]));

  it.each(RESOLUTIONS)("of the client need no types of the platform: %s", async (resolution, module) => {
    await write(
      "client.ts",
      `${CLIENT}
       const made = await api.v1.jobs.$post({
         json: { name: "a", message: "b", schedule: { cron: "0 9 * * 1-5" } }, header: { "idempotency-key": "x" },
       });
       if (made.status === 201) { const id: string = (await made.json()).id; console.log(id); }
       // @ts-expect-error a field that is none
       await api.v1.jobs.$post({ json: { name: "a", message: "b", schedule: { every: "1h" }, colour: "red" } });
       // @ts-expect-error a number instead of a text
       await api.v1.jobs[":id"].$get({ param: { id: 1 } });`,
    );
    await compile(resolution, module, {}, "client.ts");
  });

  it.each(RESOLUTIONS)("of the Worker compile with those of the platform: %s", async (resolution, module) => {
    await write(
      "worker.ts",
      `import reveille, { addRunListener, registerBuiltin } from "reveille";
       registerBuiltin({ name: "digest", schedule: { cron: "0 3 * * *" }, handler: async ({ sessionId }) => sessionId });
       addRunListener(({ run }) => console.log(run.status));
       export { DirectoryObject, FanOutObject, HeartbeatObject, JobObject, MailboxObject, SubscriptionObject } from "reveille";
       export default reveille;`,
    );
    await compile(resolution, module, { lib: ["es2024"], types: ["@cloudflare/workers-types"] }, "worker.ts");
  });
});

it("is a Worker that wrangler deploys, as the library example shows", async () => {
  await cp(join(ROOT, "examples/library"), join(folder, "library"), { recursive: true });
  const out = join(folder, "out");
  await run(join(BIN, "wrangler"), ["deploy", "--dry-run", "--outdir", out], join(folder, "library"));
  expect(await readFile(join(out, "index.js"), "utf8")).toContain("JobObject");
});

it("starts the service on this machine's Node with only the package, and connects an agent to it by a socket", async () => {
  const service = startInstalled(["start"], { PORT: "0" });
  const url = await eventually(
    () => `reveille start is not ready; it printed:\n${service.output()}`,
    () => service.output().match(/^Ready on (\S+)$/m)?.[1],
    30_000,
  );
  expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: "ok" });
  expect((await fetch(`${url}/`)).headers.get("content-type")).toContain("text/html");

  // Node 20 has no WebSocket.
  const agent = startInstalled(["connect", "--agent", "laptop", "--exec", "cat"], {});
  await eventually(
    () => `connect is not connected; it printed:\n${agent.output()}`,
    () => agent.output().includes("Connected to the mailbox of laptop\n"),
    30_000,
  );
  for (const { child } of [agent, service]) {
    child.kill("SIGTERM");
    await eventually("its end", () => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
  }
});

/** Starts the installed command in `folder`, where later commands find the data of `start`. */
function startInstalled(words: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(SYSTEM_NODE, [join(folder, "node_modules/.bin/reveille"), ...words], {
    cwd: folder,
    detached: true,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
  });
  atEnd(() => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  return { child, output: () => output };
}
