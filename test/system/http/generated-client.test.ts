/** A client that others' generators make of /openapi.json, with their default flags, compiles under `strict`. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { isLong } from "../../size.ts";
import { startReveille, temporaryFolder } from "../harness/index.ts";

const CALLS = `
  import createClient from "openapi-fetch";
  import type { paths } from "./api.d.ts";
  const client = createClient<paths>({ baseUrl: "http://127.0.0.1:1" });
  const { data, error } = await client.POST("/v1/jobs", { body: { name: "a", message: "b", schedule: { every: "1h" } } });
  console.log(data, error?.code);
  await client.PATCH("/v1/jobs/{id}", { params: { path: { id: "x" } }, body: { message: "y" } });
  await client.POST("/v1/schedules/preview", { body: { schedule: { every: "1h" } } });
  await client.PUT("/v1/heartbeats/{name}", { params: { path: { name: "main" } }, body: { every: "30m" } });
  await client.POST("/v1/agents/{id}/claim", { params: { path: { id: "x" } }, body: { wait: "5s" } });
  await client.POST("/v1/tokens", { body: { role: "viewer", expires_in: "1h" } });
  const { data: page } = await client.GET("/v1/jobs", { params: { query: { name: "x" } } });
  const mode: "reuse" | "new" | undefined = page?.items[0]?.session_mode;
  console.log(mode);`;

it.runIf(isLong)("openapi-typescript and openapi-fetch", { timeout: 240_000 }, async () => {
  const reveille = await startReveille({ dataDir: await temporaryFolder() });
  const folder = await temporaryFolder();
  const run = async (command: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(command, args, { cwd: folder })).stdout;
  await writeFile(join(folder, "package.json"), '{"private": true, "type": "module"}');
  await run(
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    "openapi-typescript@7.13.0",
    "openapi-fetch@0.17.0",
    "typescript@5.9.3",
  );
  await writeFile(join(folder, "api.json"), await (await fetch(`${reveille.url}/openapi.json`)).text());
  await run("npx", "--no", "openapi-typescript", "api.json", "-o", "api.d.ts");
  await writeFile(join(folder, "calls.ts"), CALLS);
  const flags = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--allowImportingTsExtensions",
    "--skipLibCheck",
  ];
  expect(await run("npx", "--no", "tsc", ...flags, "calls.ts")).toBe("");
});
