/**
 * The calls that `npm start` answers with a file, and those for the Worker. test/system/web/build.test.ts tests the served
 * files.
 */
import { describe, expect, it } from "vitest";
import { matcher, withAssets } from "../../../local/assets.ts";

describe("run_worker_first", () => {
  const isWorkerFirst = matcher(["/v1/*", "/healthz", "/open.json"]);

  it.each(["/v1/", "/v1/jobs", "/v1/jobs/a.b/runs", "/healthz", "/open.json"])("gives the Worker %s", (path) => {
    expect(isWorkerFirst(path)).toBe(true);
  });

  it.each(["/", "/v1", "/healthz/", "/openxjson", "/a/v1/b"])("leaves %s to the files", (path) => {
    expect(isWorkerFirst(path)).toBe(false);
  });

  it("without patterns leaves every path to the files", () => {
    expect(matcher([])("/v1/jobs")).toBe(false);
  });
});

describe("a call of a path that is not the Worker's first", () => {
  const ASSETS = {
    async fetch({ url, method }: Request): Promise<Response> {
      if (new URL(url).pathname !== "/") return new Response("no such file", { status: 404 });
      return method === "GET" ? new Response("a file") : new Response(null, { status: 405 });
    },
  };
  const worker = { fetch: async (request: Request) => new Response(`the Worker read: ${await request.text()}`) };
  const call = async (path: string, init: RequestInit = {}, env: object = { ASSETS }) =>
    withAssets(worker, ["/v1/*"]).fetch(new Request(`http://127.0.0.1${path}`, init), env, {});

  it.each([
    ["is answered with the file", "/", {}, 200, "a file"],
    [
      "is the Worker's where there is no file, body and all",
      "/n",
      { method: "POST", body: "x" },
      200,
      "the Worker read: x",
    ],
    ["is not looked for where the Worker is first", "/v1/jobs", {}, 200, "the Worker read: "],
  ])("%s", async (_what, path, init, status, body) => {
    const response = await call(path, init);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  it("that the file does not take is refused with the methods that it takes", async () => {
    const response = await call("/", { method: "POST", body: "x" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await response.json()).toMatchObject({ code: "method_not_allowed", hint: "Use GET / (a file)." });
  });

  it("goes to the Worker if it has no files", async () => {
    expect(await (await call("/", {}, {})).text()).toBe("the Worker read: ");
  });
});
