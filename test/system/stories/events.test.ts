/** `GET /v1/jobs/{id}/events` over real HTTP: at once, resumable, and over when it should be. */
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  type Agent,
  atEnd,
  eventually,
  type Reveille,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../harness/index.ts";

let reveille: Reveille;
let agent: Agent;
beforeAll(async () => {
  agent = await startAgent();
  const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
  reveille = await startReveille({ dataDir: await temporaryFolder(), env });
});

type Event = { readonly id: string; readonly event: string; readonly data: Record<string, unknown> };
type Listener = {
  readonly response: Response;
  readonly events: readonly Event[];
  /** Lines that only keep the stream open. */
  readonly comments: readonly string[];
  readonly isOver: () => boolean;
  leave(): void;
};

const Json = z.record(z.string(), z.unknown());

async function listen(jobId: string, lastEventId?: string, service = reveille): Promise<Listener> {
  const leaving = new AbortController();
  const response = await fetch(`${service.url}/v1/jobs/${jobId}/events`, {
    headers: {
      authorization: `Bearer ${service.adminToken}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
    signal: leaving.signal,
  });
  const leave = () => leaving.abort();
  atEnd(leave);
  const events: Event[] = [];
  const comments: string[] = [];
  let over = false;
  const read = async () => {
    let rest = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        if (block.startsWith(":")) comments.push(block);
        else events.push(parse(block));
      }
    }
  };
  const ended = () => {
    over = true;
  };
  read().then(ended, ended);
  return { response, events, comments, isOver: () => over, leave };
}

function parse(block: string): Event {
  const fields = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
  );
  return {
    id: fields.get("id") ?? "",
    event: fields.get("event") ?? "",
    data: Json.parse(JSON.parse(fields.get("data") ?? "")),
  };
}

const Made = z.looseObject({ id: z.string() });
const Started = z.object({ run_id: z.string() });

async function makeJob(fields: Record<string, unknown> = {}, service = reveille): Promise<string> {
  const json = { name: "watched", message: "hi", schedule: { every: "1h" }, ...fields };
  return Made.parse(await (await service.api("/v1/jobs", { json })).json()).id;
}

async function runNow(jobId: string, service = reveille): Promise<string> {
  const answer = await service.api(`/v1/jobs/${jobId}/run`, { method: "POST" });
  return Started.parse(await answer.json()).run_id;
}

const statusesOf = ({ events }: Listener, runId: string): unknown[] =>
  events.filter(({ event, data }) => event === "run" && data.id === runId).map(({ data }) => data.status);

const hasEnded = (listener: Listener, runId: string): Promise<boolean> =>
  eventually(
    () => `the end of ${runId} among ${JSON.stringify(listener.events)}`,
    () => statusesOf(listener, runId).includes("success"),
  );

describe("a stream", () => {
  it("opens at once with the present job, and forbids caching and changes on the way", async () => {
    const id = await makeJob();
    const listener = await listen(id);
    expect(listener.response.status).toBe(200);
    expect(listener.response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(listener.response.headers.get("cache-control")).toBe("no-store, no-transform");
    await eventually("the first event", () => listener.events.length === 1, 1_000);
    expect(listener.events).toMatchObject([{ event: "job", data: { id, state: "active", run_count: 0 } }]);
  });

  it("sends a run from its start to its end, then the job, with growing ids", async () => {
    const id = await makeJob();
    const listener = await listen(id);
    const runId = await runNow(id);
    await hasEnded(listener, runId);
    await eventually("the job's count", () => listener.events.at(-1)?.data.run_count === 1);
    expect(statusesOf(listener, runId).at(0)).toBe("running");
    const ids = listener.events.map((event) => Number(event.id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  it("sends changes of the job", async () => {
    const id = await makeJob();
    const listener = await listen(id);
    await reveille.api(`/v1/jobs/${id}/pause`, { method: "POST" });
    await eventually("the pause", () => listener.events.at(-1)?.data.state === "paused");
  });

  it("continues after the last received event, without a gap and without repeats", async () => {
    const id = await makeJob();
    const first = await listen(id);
    const seen = await runNow(id);
    await hasEnded(first, seen);
    await eventually("the job's count", () => first.events.at(-1)?.data.run_count === 1);
    first.leave();
    const missed = await runNow(id);
    await eventually("a second call", () => agent.calls.some(({ body }) => body.data.run?.id === missed));

    const second = await listen(id, first.events.at(-1)?.id);
    await hasEnded(second, missed);
    expect(statusesOf(second, seen)).toEqual([]);

    await eventually("the job's count", () => second.events.at(-1)?.data.run_count === 2);
    const third = await listen(id, second.events.at(-1)?.id);
    await eventually("a word that nothing was missed", () => third.comments.length > 0);
    expect(third.events).toEqual([]);
  });

  it("repeats the run if it broke between the run and the job of one change, so that the job is not lost", async () => {
    const id = await makeJob();
    const first = await listen(id);
    const runId = await runNow(id);
    await hasEnded(first, runId);
    const ofTheEnd = first.events.findLast(({ event }) => event === "run");
    first.leave();
    const second = await listen(id, ofTheEnd?.id);
    await eventually("the job's count", () => second.events.at(-1)?.data.run_count === 1);
    expect(statusesOf(second, runId)).toEqual(["success"]);
  });

  it.each([["no number"], ["999999"], ["-1"]])("with an unknown id (%s) opens like a new one", async (lastId) => {
    const listener = await listen(await makeJob(), lastId);
    await eventually("the job", () => listener.events.length === 1, 1_000);
    expect(listener.events).toMatchObject([{ event: "job" }]);
  });

  it("continues after a restart of the service", async () => {
    const dataDir = await temporaryFolder();
    const env = { AGENT_URL: agent.url, AGENT_SECRET: agent.secret };
    const before = await startReveille({ dataDir, env });
    const id = await makeJob({}, before);
    const first = await listen(id, undefined, before);
    await eventually("the job", () => first.events.length === 1);
    await before.kill("SIGKILL");
    await eventually("the end of the stream", first.isOver);
    const after = await startReveille({ dataDir, env });
    const runId = await runNow(id, after);
    const second = await listen(id, first.events.at(-1)?.id, after);
    await hasEnded(second, runId);
    await after.stop();
  });
});

describe("a stream ends", () => {
  it("when the job is deleted, and says so", async () => {
    const id = await makeJob();
    const listener = await listen(id);
    await eventually("the job", () => listener.events.length === 1);
    await reveille.api(`/v1/jobs/${id}`, { method: "DELETE" });
    await eventually("the end", listener.isOver);
    expect(listener.events.at(-1)).toMatchObject({ event: "deleted", data: { id } });
  });

  it("when the listener leaves, while the others continue and the service logs no error", async () => {
    const id = await makeJob();
    const [leaving, staying] = [await listen(id), await listen(id)];
    await eventually("both", () => leaving.events.length === 1 && staying.events.length === 1);
    leaving.leave();
    await eventually("the end", leaving.isOver);
    const runId = await runNow(id);
    await hasEnded(staying, runId);
    expect(statusesOf(leaving, runId)).toEqual([]);
    expect(reveille.output()).not.toMatch(/"level":"error"|uncaught|disconnected/i);
  });

  it("when the listener leaves, and its place among the job's ten is free", async () => {
    const id = await makeJob();
    const listeners = await Promise.all(Array.from({ length: 10 }, () => listen(id)));
    expect((await listen(id)).response.status).toBe(429);
    listeners[0]?.leave();
    await eventually("the end", () => listeners[0]?.isOver());
    expect((await listen(id)).response.status).toBe(200);
  });

  it("at once for HEAD, which only checks that it exists", async () => {
    const id = await makeJob();
    const answer = await reveille.api(`/v1/jobs/${id}/events`, { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
      "",
    ]);
  });
});

describe("no stream is opened", () => {
  it("for a job that does not exist, or belongs to another", async () => {
    const id = await makeJob({ agent_id: "theirs" });
    const json = { role: "agent", agent_id: "mine", expires_in: "1h" };
    const { token } = z.object({ token: z.string() }).parse(await (await reveille.api("/v1/tokens", { json })).json());
    for (const path of [`/v1/jobs/${id}/events`, "/v1/jobs/nothing/events"]) {
      const answer = await reveille.api(path, { token });
      expect([answer.status, Json.parse(await answer.json()).code]).toEqual([404, "not_found"]);
    }
  });
});
