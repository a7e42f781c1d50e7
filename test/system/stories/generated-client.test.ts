/** A client that foreign generators make from /openapi.json, with their default flags, compiles under `strict`. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isLong } from "../../size.ts";
import { startReveille, temporaryFolder } from "../harness/index.ts";
import { hasRegistry, runAsStranger } from "../harness/stranger.ts";

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

const WRONG = `import createClient from "openapi-fetch";
  import type { paths } from "./api.d.ts";
  const client = createClient<paths>({ baseUrl: "http://127.0.0.1:1" });
  await client.POST("/v1/jobs", { body: { message: "b", schedule: { every: "1h" } } });
  await client.POST("/v1/jobs", { body: { name: 1, message: "b", schedule: { every: "1h" } } });`;

/** The test runs in CI and in the long size. Elsewhere no test may need the registry. */
const isAsked = isLong || (process.env.CI !== undefined && (await hasRegistry("openapi-fetch@0.17.0")));

it.runIf(isAsked)("openapi-typescript and openapi-fetch, with their default flags", { timeout: 240_000 }, async () => {
  const reveille = await startReveille({ dataDir: await temporaryFolder() });
  const folder = await temporaryFolder();
  const run = (command: string, ...args: string[]): Promise<string> => runAsStranger(command, args, folder);
  await writeFile(join(folder, "package.json"), '{"private": true, "type": "module"}');
  const packages = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3"];
  await run("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...packages);
  await writeFile(join(folder, "api.json"), await (await fetch(`${reveille.url}/openapi.json`)).text());
  const bin = join(folder, "node_modules/.bin");
  await run(join(bin, "openapi-typescript"), "api.json", "-o", "api.d.ts");
  await writeFile(join(folder, "calls.ts"), CALLS);
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
  expect(await run(join(bin, "tsc"), ...flags, "--allowImportingTsExtensions", "calls.ts")).toBe("");
  // A missing field and a wrong type are errors.
  await writeFile(join(folder, "wrong.ts"), WRONG);
  await expect(run(join(bin, "tsc"), ...flags, "--allowImportingTsExtensions", "wrong.ts")).rejects.toThrow(
    /wrong\.ts\(4,.*wrong\.ts\(5,/s,
  );
});
