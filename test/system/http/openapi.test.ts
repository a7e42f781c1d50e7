/** `/openapi.json` and `/docs` of the running service. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { ROUTES } from "../../../src/http/app.ts";
import { describedBy } from "../../described.ts";
import { type Agent, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const Operation = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  tags: z.array(z.string()),
  security: z.array(z.unknown()).optional(),
  parameters: z.array(z.looseObject({ name: z.string(), description: z.string().optional() })).default([]),
  requestBody: z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })) }).optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
});
const Document = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  webhooks: z.record(z.string(), z.record(z.string(), Operation)),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  components: z.looseObject({
    schemas: z.record(z.string(), z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() })),
  }),
});
type Document = z.infer<typeof Document>;

let reveille: Reveille;
let agent: Agent;
let text: string;
let document: Document;
beforeAll(async () => {
  agent = await startAgent();
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  reveille = await startReveille({ dataDir: await temporaryFolder(), env });
  const answer = await reveille.api("/openapi.json", { token: null });
  expect(answer.headers.get("content-type")).toBe("application/json");
  text = await answer.text();
  document = Document.parse(JSON.parse(text));
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ where: `${method.toUpperCase()} ${path}`, operation })),
  );

describe("/openapi.json", () => {
  it("is a valid OpenAPI 3.1 document, by an independent validator", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(text));
    expect(errors).toBeUndefined();
    expect([valid, validator.version]).toEqual([true, "3.1"]);
  });

  it("has only references to its own parts", () => {
    const missing = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].filter(
      ([, name]) => name === undefined || !(name in document.components.schemas),
    );
    expect(missing).toEqual([]);
    expect(text).not.toContain("#/$defs/");
  });

  it("has every route of the table, each with a unique id", () => {
    const routes = ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path.replace(/:([^/]+)/g, "{$1}")}`);
    expect(
      operations()
        .map(({ where }) => where)
        .sort(),
    ).toEqual(routes.sort());
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has every call of the contract", () => {
    const table = [
      "POST /v1/jobs",
      "PUT /v1/jobs/ensure",
      "GET /v1/jobs",
      "GET /v1/jobs/{id}",
      "PATCH /v1/jobs/{id}",
      "DELETE /v1/jobs/{id}",
      "POST /v1/jobs/{id}/run",
      "POST /v1/jobs/{id}/pause",
      "POST /v1/jobs/{id}/resume",
      "POST /v1/jobs/{id}/backfill",
      "GET /v1/jobs/{id}/runs",
      "GET /v1/jobs/{id}/runs/{run_id}",
      "POST /v1/jobs/{id}/runs/{run_id}/complete",
      "POST /v1/jobs/{id}/runs/{run_id}/progress",
      "POST /v1/jobs/{id}/runs/{run_id}/release",
      "POST /v1/jobs/{id}/runs/{run_id}/cancel",
      "GET /v1/jobs/{id}/events",
      "GET /v1/jobs/{id}/fan-outs",
      "GET /v1/jobs/{id}/fan-outs/{fan_out_id}",
      "GET /v1/jobs/{id}/explain",
      "POST /v1/schedules/preview",
      "GET /v1/users",
      "PUT /v1/users/{id}",
      "GET /v1/users/{id}",
      "DELETE /v1/users/{id}",
      "POST /v1/users/{id}/seen",
      "POST /v1/users/import",
      "GET /v1/agents",
      "PUT /v1/agents/{id}",
      "GET /v1/agents/{id}",
      "DELETE /v1/agents/{id}",
      "GET /v1/heartbeats",
      "PUT /v1/heartbeats/{name}",
      "GET /v1/heartbeats/{name}",
      "DELETE /v1/heartbeats/{name}",
      "GET /v1/heartbeats/{name}/document",
      "PUT /v1/heartbeats/{name}/document",
      "POST /v1/heartbeats/{name}/beat",
      "GET /v1/heartbeats/{name}/beats",
      "POST /v1/tokens",
      "POST /v1/import",
      "GET /v1/export",
      "GET /v1/stats",
      "GET /healthz",
      "GET /openapi.json",
      "GET /docs",
      "POST /mcp",
    ];
    const described = new Set(operations().map(({ where }) => where));
    expect(table.filter((call) => !described.has(call))).toEqual([]);
  });

  it("requires a token everywhere except healthz, openapi and docs", () => {
    const open = operations().filter(({ operation }) => operation.security?.length === 0);
    expect(open.map(({ where }) => where).sort()).toEqual(["GET /docs", "GET /healthz", "GET /openapi.json"]);
  });

  it("describes every parameter, every tag, and every field that a client writes of a job", () => {
    const bare = operations().flatMap(({ where, operation }) =>
      operation.parameters.filter(({ description }) => description === undefined).map(({ name }) => `${where} ${name}`),
    );
    expect(bare).toEqual([]);
    const tags = new Set(operations().flatMap(({ operation }) => operation.tags));
    expect(document.tags.map(({ name }) => name).sort()).toEqual([...tags, "Calls to agents"].sort());
    const { properties = {} } = document.components.schemas.JobInput ?? {};
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(["name", "message", "schedule", "retry"]));
    for (const [name, field] of Object.entries(properties)) {
      expect("$ref" in z.record(z.string(), z.unknown()).parse(field) || field, name).not.toBe(undefined);
      expect(JSON.stringify(field), name).toMatch(/"description"|"\$ref"/);
    }
  });

  it("shows an example for every body that is valid by its own schema", () => {
    for (const { where, operation } of operations()) {
      const example = operation.requestBody?.content["application/json"]?.example;
      if (example === undefined) continue;
      const [method = "", path = ""] = where.split(" ");
      const answer = { method, path, status: 204, contentType: null, text: "" };
      const only = { paths: { [path]: { [method.toLowerCase()]: { ...operation, responses: { 204: {} } } } } };
      const undescribed = describedBy({ ...only, components: document.components });
      expect(undescribed({ ...answer, sent: example }), where).toEqual([]);
    }
    const made = document.paths["/v1/jobs"]?.post?.requestBody?.content["application/json"];
    expect(made?.example).toMatchObject({ name: "Morning briefing" });
  });

  it("describes the call to the agent, field by field, with its signature", async () => {
    const json = { name: "a", message: "b", payload: { c: [1] }, user_id: 7, schedule: { every: "1h" } };
    const { id } = z.object({ id: z.string() }).parse(await (await reveille.api("/v1/jobs", { json })).json());
    await reveille.api(`/v1/jobs/${id}/run`, { method: "POST" });
    const [call] = await agent.waitForCalls(1);
    const { webhooks, components } = document;
    const undescribed = describedBy({ paths: { "/agent": webhooks["job.run"] }, components });
    const sent: unknown = JSON.parse(call?.text ?? "");
    const answer = { method: "POST", path: "/agent", status: 202, contentType: null, text: "" };
    expect(undescribed({ ...answer, sent })).toEqual([]);
    expect(undescribed({ ...answer, sent: { ...z.record(z.string(), z.unknown()).parse(sent), more: 1 } })).not.toEqual(
      [],
    );
    const headers = webhooks["job.run"]?.post?.parameters.map(({ name }) => call?.headers[name]) ?? [];
    expect(headers).toHaveLength(3);
    expect(headers).not.toContain(undefined);
  });

  it("names every error code of the contract", () => {
    const codes = [
      ..."invalid_json unauthorized forbidden not_found job_already_running job_finished name_reserved".split(" "),
      ..."run_already_finished precondition_failed payload_too_large unsupported_media_type validation_failed".split(
        " ",
      ),
      ..."idempotency_key_reused rate_limited quota_exceeded internal not_configured method_not_allowed".split(" "),
    ];
    expect(codes.filter((code) => !text.includes(code))).toEqual([]);
  });
});

describe("/docs", () => {
  it("is a page that runs only scripts of this host", async () => {
    const page = await reveille.api("/docs", { token: null });
    const policy = page.headers.get("content-security-policy") ?? "";
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await page.text();
    expect(html).not.toMatch(/<script>|<style|style=|onload=|https?:\/\//);
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
    expect(files.length).toBeGreaterThan(3);
    for (const path of files) expect([path, (await reveille.api(path, { token: null })).status]).toEqual([path, 200]);
  });
});
