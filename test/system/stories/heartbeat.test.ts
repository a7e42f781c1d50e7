/**
 * The heartbeat in the whole service: the Cron Trigger fired by hand, a real agent that is chat endpoint and webhook, and the
 * service killed in the middle of a beat. `every` is a day and the ticks are tomorrow's, so that the service's own ticks have no effect.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type Agent,
  type AgentCall,
  type Answer,
  eventually,
  type Reveille,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../harness/index.ts";

const MINUTE = 60_000;
const SETTLED_MS = 1_000;

type Beat = { readonly id: string; readonly outcome?: string; readonly [field: string]: unknown };
type Part = "decision" | "main" | "notification";

const partOf = ({ body }: AgentCall): Part =>
  body.type === "notification" ? "notification" : body.data.session_id?.endsWith(":decision") ? "decision" : "main";
const says = (text: string): Answer => ({ body: { text } });
const run = says('{"action":"run","reason":"Mail is due."}');

let agent: Agent;
let dataDir: string;
let reveille: Reveille;
let tickAt: number;
let heard: AgentCall[];
let answers: Partial<Record<Part, Answer>>;

const heardOf = (part: Part): AgentCall[] => heard.filter((call) => partOf(call) === part);
const start = (): Promise<Reveille> =>
  startReveille({
    dataDir,
    env: { AGENT_URL: agent.url, AGENT_SECRET: agent.secret, NOTIFY_URL: agent.url, CRON: "off" },
  });

async function tick(at: number): Promise<void> {
  const fired = await fetch(`${reveille.url}/cdn-cgi/local/scheduled?time=${at}`);
  expect(fired.status, await fired.text()).toBe(200);
}

async function makeHeartbeat(name: string, document = "- mail"): Promise<void> {
  const put = await reveille.api(`/v1/heartbeats/${name}`, {
    method: "PUT",
    json: { every: "1m", fast_model: "small", model: "big" },
  });
  expect(put.status, await put.text()).toBe(201);
  const headers = { "content-type": "text/markdown" };
  const path = `/v1/heartbeats/${name}/document`;
  expect((await reveille.api(path, { method: "PUT", body: document, headers })).status).toBe(204);
}

async function beats(name: string): Promise<Beat[]> {
  const { items }: { items: Beat[] } = await (await reveille.api(`/v1/heartbeats/${name}/beats`)).json();
  return items;
}

const ended = (name: string): Promise<Beat> =>
  eventually("a beat that has ended", async () => (await beats(name)).find(({ outcome }) => outcome !== undefined));

beforeAll(async () => {
  agent = await startAgent((call) => {
    heard.push(call);
    return answers[partOf(call)] ?? {};
  });
  dataDir = await temporaryFolder();
  reveille = await start();
});

beforeEach(() => {
  heard = [];
  answers = { decision: run, main: says("You have mail.") };
  tickAt = (Math.floor(Date.now() / MINUTE) + 1) * MINUTE;
});

afterEach(async () => {
  // A failed beat is tried again later, which would disturb the next story.
  const { items }: { items: { name: string }[] } = await (await reveille.api("/v1/heartbeats")).json();
  for (const { name } of items) await reveille.api(`/v1/heartbeats/${name}`, { method: "DELETE" });
});

describe("the Cron Trigger", () => {
  it("makes a heartbeat decide, work and notify, once, with every call signed", async () => {
    await makeHeartbeat("main");
    await tick(tickAt - MINUTE);
    await tick(tickAt);
    const beat = await ended("main");
    await tick(tickAt);
    expect(beat).toMatchObject({
      outcome: "executed",
      decision: { action: "run", reason: "Mail is due." },
      answer: "You have mail.",
      notified: [{ type: "webhook", ok: true }],
      scheduled_at: new Date(tickAt).toISOString(),
    });
    expect(heard.map((call) => [partOf(call), call.signed, call.body.data.session_id, call.body.data.model])).toEqual([
      ["decision", true, "heartbeat:decision", "small"],
      ["main", true, "heartbeat:main", "big"],
      ["notification", true, undefined, undefined],
    ]);
    expect(heardOf("notification")[0]?.body).toEqual({
      type: "notification",
      data: { text: "*Heartbeat*\n\nYou have mail.", source: "heartbeat" },
    });
    expect(await beats("main")).toHaveLength(1);
    expect((await reveille.api("/v1/heartbeats/main", { method: "DELETE" })).status).toBe(204);
  });

  it("asks no model about an empty document, and logs the beat", async () => {
    await makeHeartbeat("empty", " \n");
    await tick(tickAt);
    expect(await ended("empty")).toMatchObject({ outcome: "empty" });
    expect(heard).toEqual([]);
  });
});

describe("a SIGKILL of everything", () => {
  /** Kills the service as soon as `part` of a beat has reached the agent, which never answers it, and starts it again. */
  async function killedDuring(name: string, part: Part): Promise<Beat> {
    await makeHeartbeat(name);
    answers = { ...answers, [part]: { instead: "hang" } };
    await tick(tickAt);
    await eventually(`a ${part} call`, () => heardOf(part).length > 0);
    await reveille.kill();
    answers = { decision: run, main: says("Too late.") };
    reveille = await start();
    const beat = await ended(name);
    for (let again = 0; again < 3; again++) await tick(tickAt);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    expect(await beats(name)).toHaveLength(1);
    return beat;
  }

  it("during the decision ends the beat as an error that will be tried again, and the main model is not asked", async () => {
    const beat = await killedDuring("deciding", "decision");
    expect(beat).toMatchObject({
      outcome: "error",
      error: expect.stringMatching(/^interrupted/),
      next_attempt_at: expect.any(String),
    });
    expect([heardOf("decision").length, heardOf("main").length]).toEqual([1, 0]);
  });

  it("after the decision ends the beat as an error, and no model is asked twice", async () => {
    const beat = await killedDuring("executing", "main");
    expect(beat).toMatchObject({
      outcome: "error",
      error: expect.stringMatching(/^interrupted/),
      decision: { action: "run" },
    });
    expect([heardOf("decision").length, heardOf("main").length]).toEqual([1, 1]);
  });

  it("during the notification ends the beat as an error that keeps the answer, and nobody is notified twice", async () => {
    const beat = await killedDuring("notifying", "notification");
    expect(beat).toMatchObject({
      outcome: "error",
      error: expect.stringMatching(/^interrupted/),
      answer: "You have mail.",
    });
    expect(heardOf("notification")).toHaveLength(1);
  });
});
