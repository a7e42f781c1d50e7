import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { startReveille, temporaryFolder } from "../harness/index.ts";

const MAX_SCRIPT_BYTES = 120 * 1024;

const reveille = await startReveille({ dataDir: await temporaryFolder() });
const get = (path: string) => reveille.api(path, { token: null });

it("is served without a token, and allows scripts and styles from this origin only", async () => {
  const response = await get("/");
  expect(response.status).toBe(200);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy.split("; ").toSorted()).toEqual([
    "base-uri 'none'",
    "connect-src 'self'",
    "default-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "img-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
  ]);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  const html = await response.text();
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
});

it("needs at most 120 KiB of compressed scripts, and fetches nothing from other origins", async () => {
  const html = await (await get("/")).text();
  const scripts = [...html.matchAll(/<script[^>]*\ssrc="([^"]+)"/g)].map(([, source]) => source ?? "");
  expect(scripts).not.toEqual([]);
  expect([...html.matchAll(/(?:src|href)="([^"]+)"/g)].every(([, source]) => source?.startsWith("/"))).toBe(true);
  let bytes = 0;
  for (const source of scripts) {
    const script = await (await get(source)).text();
    expect(script).not.toMatch(/\bimport\(/);
    bytes += gzipSync(script, { level: 9 }).byteLength;
  }
  expect(bytes).toBeLessThan(MAX_SCRIPT_BYTES);
});

it("leaves every path of the API to the API", async () => {
  for (const path of ["/v1/jobs", "/v1/nothing", "/nothing"]) {
    expect((await get(path)).headers.get("content-type")).toBe("application/problem+json");
  }
  expect((await get("/healthz")).status).toBe(200);
});
