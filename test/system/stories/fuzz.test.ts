/**
 * Thousands of requests made from `/openapi.json`, sent to `npm start` in parallel: no call, however broken, is answered 500,
 * every refusal has the contract's form, and refused calls leave nothing behind.
 * A failure prints the shortest request that fast-check could find. FUZZ_RUNS and FUZZ_SEED set the number of requests and their seed.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type OutputUnit, Validator } from "@cfworker/json-schema";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { ProblemBody } from "../../../src/http/problem.ts";
import { ANSWERS } from "../../../src/http/problem-answers.ts";
import { bySize } from "../../size.ts";
import {
  ApiDocument,
  type FuzzRequest,
  type Operation,
  operationsOf,
  requests,
  type TOKENS,
  Tool,
} from "../fuzz/requests.ts";
import { type Answer, send } from "../fuzz/send.ts";
import { KNOWN_JOB } from "../fuzz/values.ts";
import { type Agent, eventually, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? bySize(600, 100_000));
/** About 15 calls a second are made and checked on two busy cores. */
const LIMIT_MS = 60_000 + RUNS * 60;
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_123);
/** Calls that are under way at once: races between them are part of the test. */
const LANES = 4;

const Made = z.object({ id: z.string() });
const Page = z.object({ items: z.array(z.looseObject({ id: z.string() })), next_cursor: z.string().optional() });
const Trail = z.object({ items: z.array(z.looseObject({ job_id: z.string() })), next_cursor: z.string().optional() });
const codes: ReadonlyMap<string, number> = new Map(Object.entries(ANSWERS).map(([code, { status }]) => [code, status]));

let reveille: Reveille;
let agent: Agent;
let dataDir: string;
let document: ApiDocument;
let operations: readonly Operation[];
let tools: readonly Tool[];
let validators: ReadonlyMap<string, Validator>;
let tokens: Record<(typeof TOKENS)[number], string | undefined>;
/** Existing ids, for the parts of paths. */
const ids: Record<string, string[]> = { job: [], run: [], fan_out: [], user: [], agent: [], heartbeat: [] };
/** Jobs that were created by an answer, and are not known to be gone. */
const jobs = new Set<string>();
/** All created jobs, including those that are gone. */
const made = new Set<string>();
let imported = 0;

beforeAll(async () => {
  dataDir = await temporaryFolder();
  // Some runs wait for their completion, so that they can be completed and cancelled.
  agent = await startAgent((_call, index) => (index % 3 === 0 ? { status: 202 } : { body: { ok: true } }));
  reveille = await startReveille({ dataDir, env: { AGENT_URL: agent.url, AGENT_SECRET: agent.secret } });
  document = ApiDocument.parse(await (await reveille.api("/openapi.json")).json());
  operations = operationsOf(document);
  tools = await listTools();
  validators = validatorsOf(document);
  tokens = {
    admin: reveille.adminToken,
    agent: await mint({ role: "agent", agent_id: "a1" }),
    user: await mint({ role: "user", user_id: "u1" }),
    plugin: await mint({ role: "plugin", plugin_id: "p1" }),
    viewer: await mint({ role: "viewer" }),
    reader: await mint({ role: "agent", agent_id: "a1", access: "read" }),
    limited: await mint({ role: "user", user_id: "u1", agents: ["a1"] }),
    trigger: `rvt_jaaaaaaaaaaaaaaaaaaaaaaaa_${"a".repeat(32)}`,
    none: undefined,
    broken: "eyJhbGciOiJub25lIn0.e30.",
  };
});

it("generated calls are answered as the description says, and never with 500", {
  timeout: LIMIT_MS + 20_000,
}, async () => {
  await makeThings();
  const lane = (seed: number) =>
    fc.assert(
      fc.asyncProperty(requests(document, tools), async (request) => expectSound(request, await perform(request))),
      { seed, numRuns: Math.ceil(RUNS / LANES), interruptAfterTimeLimit: LIMIT_MS, markInterruptAsFailure: true },
    );
  // All calls run to their end, even if one has failed, so that the following tests find the service at rest.
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, (_, index) => lane(SEED + index)));
  for (const ended of lanes) if (ended.status === "rejected") throw ended.reason;
});

describe("afterwards", () => {
  it("lists exactly the created jobs", async () => {
    const listed = await listedJobs();
    // The answer to a bulk delete does not name the jobs.
    const deleted = await deletedJobs();
    expect([...jobs].filter((id) => !listed.has(id) && !deleted.includes(id))).toEqual([]);
    const others = (ids: Iterable<string>) => [...ids].filter((id) => !made.has(id)).length;
    // A deleted imported job may have been imported and deleted once more.
    expect(others(listed)).toBeLessThanOrEqual(imported);
    expect(others(listed)).toBeGreaterThanOrEqual(imported - others(deleted));
  });

  it("still fires a job on time", async () => {
    const calls = agent.calls.length;
    const at = new Date(Date.now() + 1_500).toISOString();
    await makeJob({ name: "after all that", schedule: { at } });
    await eventually("the job's call", () =>
      agent.calls.slice(calls).some((call) => call.body.data.run?.scheduled_at === at),
    );
  });

  it("has logged no error of its own", () => {
    expect(
      reveille
        .output()
        .split("\n")
        .filter((line) => line.includes('"level":"error"')),
    ).toEqual([]);
  });

  it("holds tables for existing jobs and heartbeats only, not for refused or deleted ones", async () => {
    const listed = await listedJobs();
    const heartbeats = z
      .object({ items: z.array(z.unknown()) })
      .parse(await (await reveille.api("/v1/heartbeats")).json());
    await reveille.stop();
    expect(await objectsWithTables("JobObject")).toBe(listed.size);
    expect(await objectsWithTables("HeartbeatObject")).toBe(heartbeats.items.length);
  });
});

/** Objects of a class with stored data. An object that was only called has an empty file on this machine, and nothing in a deployment. */
async function objectsWithTables(className: string): Promise<number> {
  const folder = join(dataDir, "do", `reveille-${className}`);
  const files = (await readdir(folder)).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
  return files.filter((file) => {
    const database = new DatabaseSync(join(folder, file), { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    database.close();
    return tables.some(({ name }) => !String(name).startsWith("_cf_"));
  }).length;
}

async function mint(body: Record<string, unknown>): Promise<string> {
  const answer = await reveille.api("/v1/tokens", { json: { ...body, expires_in: "30d" } });
  return z.object({ token: z.string() }).parse(await answer.json()).token;
}

/** Creates jobs of several owners, users, an agent, a heartbeat and runs, so that the first calls find something. */
async function makeThings(): Promise<void> {
  for (const id of ["u1", "u2"]) await reveille.api(`/v1/users/${id}`, { method: "PUT", json: {} });
  await reveille.api("/v1/agents/a1", { method: "PUT", json: { url: agent.url, secret: agent.secret } });
  await reveille.api("/v1/heartbeats/main", { method: "PUT", json: { every: "30m" } });
  ids.user?.push("u1", "u2");
  ids.agent?.push("a1");
  ids.heartbeat?.push("main");
  const owners = [{}, { agent_id: "a1" }, { user_id: "u1" }, { plugin_id: "p1", job_key: "k", runtime_name: "r" }];
  const scopes = [...owners, ...owners, { exec_scope: "all_users" }];
  for (const fields of scopes) {
    const id = await makeJob({ ...fields, name: "a job", schedule: { every: "1h" } });
    await perform({ ...NOW, pieces: { id: { raw: id } } });
  }
}

const NOW: Omit<FuzzRequest, "pieces"> = {
  operation: { operationId: "runJobNow", method: "POST", path: "/v1/jobs/{id}/run", parameters: [], responses: {} },
  method: "POST",
  query: "",
  headers: {},
  body: undefined,
  token: "admin",
};

async function makeJob(fields: Record<string, unknown>): Promise<string> {
  const answer = await reveille.api("/v1/jobs", { json: { message: "hello", ...fields } });
  expect(answer.status).toBe(201);
  const { id } = Made.parse(await answer.json());
  noteJob(id);
  return id;
}

async function listedJobs(): Promise<ReadonlySet<string>> {
  const listed = new Set<string>();
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const query = new URLSearchParams({
      state: "active,paused,finished",
      limit: "100",
      ...(cursor === "" ? {} : { cursor }),
    });
    const page: z.infer<typeof Page> = Page.parse(await (await reveille.api(`/v1/jobs?${query}`)).json());
    for (const { id } of page.items) listed.add(id);
    cursor = page.next_cursor;
  }
  return listed;
}

/** The jobs that the audit trail says were deleted, each as often as it was. */
async function deletedJobs(): Promise<readonly string[]> {
  const deleted: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const query = new URLSearchParams({
      action: "job.delete",
      limit: "100",
      ...(cursor === "" ? {} : { cursor }),
    });
    const page: z.infer<typeof Trail> = Trail.parse(await (await reveille.api(`/v1/audit?${query}`)).json());
    for (const { job_id } of page.items) deleted.push(job_id);
    cursor = page.next_cursor;
  }
  return deleted;
}

/** Sends the request with existing ids, and records created and deleted things of the answer. */
async function perform(request: FuzzRequest): Promise<Answer> {
  const { method, query, headers, body } = request;
  const token = tokens[request.token];
  const path = pathOf(request);
  const sent = body === undefined ? undefined : withKnownJob(Buffer.from(body, "base64"));
  const answer = await send(
    reveille.url,
    method,
    `${path}${query}`,
    { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    sent,
  );
  const called = calledBy(request);
  if (called?.operationId === "callMcp") noteToolCall(sent, answer.text);
  else if (called !== undefined) note(called, path, answer);
  return answer;
}

function withKnownJob(body: Buffer): Buffer {
  const jobId = ids.job?.[body.byteLength % Math.max(ids.job.length, 1)] ?? "none";
  return body.includes(KNOWN_JOB) ? Buffer.from(body.toString("utf8").replaceAll(KNOWN_JOB, jobId)) : body;
}

async function listTools(): Promise<readonly Tool[]> {
  const answer = await reveille.api("/mcp", {
    json: { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} },
    headers: { accept: "application/json, text/event-stream" },
  });
  return z.object({ result: z.object({ tools: z.array(Tool).min(1) }) }).parse(await answer.json()).result.tools;
}

/** The operation of the request, since another method of the path may be another operation. */
const calledBy = ({ operation: { path }, method }: FuzzRequest): Operation | undefined =>
  operations.find((operation) => operation.path === path && operation.method === method);

/** The collection that each id is of: `/v1/jobs/{id}` is a job's, `/v1/jobs/{id}/runs/{run_id}` a run's. */
const kindOf = (path: string, name: string): string =>
  name.endsWith("_id") ? name.slice(0, -"_id".length) : (path.split("/")[2]?.replace(/s$/, "") ?? "");

function pathOf({ operation: { path }, pieces }: FuzzRequest): string {
  const texts = Object.entries(pieces).map(([name, piece]): [string, string] => {
    if ("raw" in piece) return [name, piece.raw];
    const known = ids[kindOf(path, name)] ?? [];
    return [name, known[piece.nth % Math.max(known.length, 1)] ?? "none"];
  });
  // An id `job/run` also sets the job, so that most calls find a run of that job.
  const job = texts.flatMap(([, text]) => (text.includes("/") ? text.split("/")[0] : undefined) ?? [])[0];
  return texts.reduce(
    (built, [name, text]) =>
      built.replace(`{${name}}`, () => (name === "id" ? (job ?? text) : (text.split("/").at(-1) ?? ""))),
    path,
  );
}

const Noted = z.object({
  id: z.string().optional(),
  run_id: z.string().optional(),
  fan_out_id: z.string().optional(),
  name: z.string().optional(),
  imported: z.int().optional(),
  items: z.array(z.looseObject({ id: z.string().optional(), job_id: z.string().optional() })).optional(),
});

const PUT_KINDS: Readonly<Record<string, string>> = { putUser: "user", putAgent: "agent", putHeartbeat: "heartbeat" };

function note(
  { operationId, path: template, method }: Operation,
  path: string,
  { status, headers, text }: Answer,
): void {
  const [, , , id = ""] = path.split("/");
  // A trigger token is used without its job.
  if (status === 204 && method === "DELETE" && template.endsWith("}")) {
    const kind = kindOf(template, "id");
    if (kind === "job") forgetJob(id);
    else ids[kind] = (ids[kind] ?? []).filter((known) => known !== id);
  }
  if (status >= 300 || headers["content-type"] !== "application/json") return;
  const body = Noted.safeParse(JSON.parse(text)).data;
  if (body === undefined) return;
  if (status === 201 && body.id !== undefined && ["createJob", "ensureJob"].includes(operationId)) noteJob(body.id);
  if (operationId === "importJobs") imported += body.imported ?? 0;
  if (body.run_id !== undefined) ids.run?.push(`${id}/${body.run_id}`);
  if (body.fan_out_id !== undefined) ids.fan_out?.push(`${id}/${body.fan_out_id}`);
  if (operationId === "listRuns") for (const run of body.items ?? []) ids.run?.push(`${run.job_id}/${run.id}`);
  const kind = PUT_KINDS[operationId];
  const named = body.id ?? body.name;
  if (kind !== undefined && named !== undefined) ids[kind]?.push(encodeURIComponent(named));
}

const ToolCall = z.object({
  params: z.object({ name: z.string(), arguments: z.object({ job_id: z.unknown().optional() }).optional() }),
});
const ToolAnswer = z.object({
  result: z.object({
    isError: z.boolean().default(false),
    content: z.tuple([z.object({ text: z.string() })]),
  }),
});

/** Records a job that a tool has created or deleted. */
function noteToolCall(sent: Buffer | undefined, text: string): void {
  const called = ToolCall.safeParse(json(sent?.toString("utf8") ?? "")).data?.params;
  const result = ToolAnswer.safeParse(json(text)).data?.result;
  if (called === undefined || result === undefined || result.isError) return;
  const made = Made.safeParse(json(result.content[0].text)).data;
  if (called.name === "cancel_job" && typeof called.arguments?.job_id === "string") forgetJob(called.arguments.job_id);
  if (called.name === "schedule_job" && made !== undefined) noteJob(made.id);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Bodies that are not JSON are part of the test.
    return undefined;
  }
}

function noteJob(id: string): void {
  // An Idempotency-Key returns the same job again.
  if (jobs.has(id)) return;
  jobs.add(id);
  made.add(id);
  ids.job?.push(id);
}

function forgetJob(id: string): void {
  jobs.delete(id);
  ids.job = (ids.job ?? []).filter((known) => known !== id);
}

function validatorsOf(document: ApiDocument): ReadonlyMap<string, Validator> {
  return new Map(
    operationsOf(document).flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content }]) => {
        const schema = content?.["application/json"]?.schema;
        return schema === undefined
          ? []
          : [
              [
                `${operationId} ${status}`,
                new Validator({ ...schema, components: document.components }, "2020-12", false),
              ],
            ];
      }),
    ),
  );
}

/** Checks that the description allows the answer to this request. */
function expectSound(request: FuzzRequest, { status, headers, text }: Answer): void {
  expect(status, text).toBeLessThan(500);
  const operation = calledBy(request);
  if (operation?.operationId === "callMcp") expect(text).not.toContain("(internal)");
  const type = headers["content-type"];
  if (status >= 400) {
    // Errors of the MCP protocol have the form of JSON-RPC.
    if (operation?.operationId === "callMcp" && status === 400 && type === "application/json") return;
    expect(type, `${status} ${text}`).toBe("application/problem+json");
    if (request.method === "HEAD") return;
    const { code, status: said } = ProblemBody.parse(JSON.parse(text));
    expect([codes.get(code), said], code).toEqual([status, status]);
  }
  // Dots in a part change the path, and with it the operation.
  if (operation === undefined || Object.values(request.pieces).some((piece) => "raw" in piece)) return;
  expect(Object.keys(operation.responses), `${operation.operationId}: ${text}`).toContain(String(status));
  const validator = validators.get(`${operation.operationId} ${status}`);
  if (validator === undefined) return;
  const { valid, errors } = validator.validate(JSON.parse(text));
  expect(valid, `${operation.operationId} ${status} ${text}: ${shown(errors)}`).toBe(true);
}

const shown = (errors: readonly OutputUnit[]): string =>
  errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`).join("; ");
