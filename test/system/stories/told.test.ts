/** No event is lost (docs/contract.md §18): through a SIGKILL between the end of a run and its message, and when all jobs fail at once. */
import { createServer } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { bySize } from "../../size.ts";
import {
  type Agent,
  atEnd,
  eventually,
  type Reveille,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../harness/index.ts";

const KILLS = bySize(1, 10);
const JOBS = bySize(40, 1_000);
const TOLD_LIMIT_MS = bySize(30_000, 240_000);

const Item = z.looseObject({ id: z.string(), type: z.string(), job_id: z.string().optional() });
const Page = z.object({ items: z.array(Item), next_cursor: z.string().optional() });

/** The ids of the webhook's messages, one for each call. */
const told: string[] = [];
const hook = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    told.push(String(request.headers["webhook-id"]));
    response.writeHead(204).end();
  });
});

let agent: Agent;
let service: Reveille;
let dataDir = "";
const secrets = {
  ADMIN_TOKEN: "admin-of-the-told-tests-0123456789",
  TOKEN_SECRET: "secret-of-the-told-tests-0123456789",
};

async function start(): Promise<void> {
  service = await startReveille({
    dataDir,
    env: { MAX_JOBS_PER_OWNER: "2000", AGENT_URL: agent.url, AGENT_SECRET: agent.secret, ...secrets },
  });
}
async function send(method: string, path: string, json?: unknown) {
  const response = await service.api(path, { method, json });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return z.looseObject({}).parse(await response.json());
}
async function make(name: string, fields: object = {}): Promise<string> {
  const json = { name, message: "m", schedule: { manual: true }, retry: { max_attempts: 1 }, ...fields };
  return z.looseObject({ id: z.string() }).parse(await send("POST", "/v1/jobs", json)).id;
}
async function eventIds(query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: z.infer<typeof Page> = Page.parse(await send("GET", `/v1/events?limit=100&${query}${cursor}`));
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor === undefined ? undefined : `&cursor=${page.next_cursor}`;
  }
  return ids;
}

beforeAll(async () => {
  await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise<void>((resolve) => void hook.close(() => resolve())));
  const address = hook.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/told`;
  agent = await startAgent(() => ({ status: 400 }));
  dataDir = await temporaryFolder();
  await start();
  await send("PUT", "/v1/subscriptions/told", { events: ["run.failed"], to: [{ type: "webhook", url }] });
});

describe("a SIGKILL between the end of a run and its message", () => {
  it("loses no message, and lists no event twice", { timeout: 300_000 }, async () => {
    const job = await make("killed");
    const runs: string[] = [];
    for (let n = 0; n < KILLS; n++) {
      const before = agent.calls.length;
      const { run_id } = await send("POST", `/v1/jobs/${job}/run`);
      runs.push(String(run_id));
      await agent.waitForCalls(before + 1);
      // The agent has refused the run. Its end, its event and the delivery come within these milliseconds.
      await new Promise((resolve) => setTimeout(resolve, n * 3));
      await service.kill();
      await start();
    }
    const wanted = runs.map((id) => `${id}_failed`).sort();
    await eventually("an event for each run", async () => (await eventIds(`job_id=${job}`)).length >= KILLS, 30_000);
    expect((await eventIds(`job_id=${job}`)).sort()).toEqual(wanted);
    await eventually("a message for each run", () => wanted.every((id) => told.includes(id)), TOLD_LIMIT_MS);
  });
});

describe("jobs that all fail at once", () => {
  it("are each reported once, and none is lost", { timeout: 600_000 }, async () => {
    const at = new Date(Date.now() + bySize(5_000, 90_000)).toISOString();
    const before = told.length;
    const jobs: string[] = [];
    for (let n = 0; n < JOBS; n += 20) {
      const some = Array.from({ length: Math.min(20, JOBS - n) }, (_, i) =>
        make(`fails ${n + i}`, { schedule: { at } }),
      );
      jobs.push(...(await Promise.all(some)));
    }
    await eventually(
      () => `${JOBS} messages; there were ${told.length - before}`,
      () => told.length - before >= JOBS,
      TOLD_LIMIT_MS + 120_000,
    );
    const ids = told.slice(before);
    expect(ids).toHaveLength(JOBS);
    expect(new Set(ids).size).toBe(JOBS);
    expect(new Set(ids.map((id) => id.split("-")[0]))).toEqual(new Set(jobs.map((id) => id.split("-")[0])));
  });
});
