/** An agent that Reveille can wake: Hono on Cloudflare Workers, one Durable Object for each session. */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import { type Agent, createAgent } from "reveille/agent";
import * as z from "zod";

/** The environment. AGENT_SECRET_PREVIOUS is the previous secret, while it is being replaced. */
type Env = {
  readonly AGENT_SECRET: string;
  readonly AGENT_SECRET_PREVIOUS?: string;
  readonly SESSION: DurableObjectNamespace<Session>;
};

const Payload = z.object({ slow: z.boolean().default(false), stop_after: z.number().optional() });

/** The part of a run that a session gets. */
type Call = {
  readonly id: string;
  readonly message: string;
  readonly payload: z.infer<typeof Payload>;
  readonly complete: { readonly url: string; readonly token: string };
};
type Answer = { readonly status: 200 | 202 | 410; readonly body: Record<string, string> };

let agent: Agent | undefined;

/** Verifies the call and recognises repeats. The session does the work, and completes the runs that it answers with 202. */
const agentOf = (env: Env): Agent =>
  createAgent({
    secret: env.AGENT_SECRET_PREVIOUS ? [env.AGENT_SECRET, env.AGENT_SECRET_PREVIOUS] : env.AGENT_SECRET,
    onRun: async ({ id, session_id, message, payload, complete }) => {
      // The session id names the conversation. It is the same object with its memory each time the job fires.
      const session = env.SESSION.getByName(session_id);
      const { status, body } = await session.wake({ id, message, payload: Payload.parse(payload), complete });
      return Response.json(body, { status });
    },
  });

const app = new Hono<{ Bindings: Env }>();

app.post("/", (c) => {
  agent ??= agentOf(c.env);
  return agent(c.req.raw, c.env, c.executionCtx);
});

export default app;

/** One conversation. Put your agent here. */
export class Session extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, woken_at INTEGER, answer TEXT, work TEXT) WITHOUT ROWID",
    );
  }

  /** Answers one call. The run's id is the webhook-id, which every attempt of a run shares, so its work is done once. */
  wake(call: Call): Answer {
    const { sql, kv } = this.ctx.storage;
    const [before] = sql.exec<{ answer: string }>("SELECT answer FROM run WHERE id = ?", call.id).toArray();
    if (before !== undefined) return JSON.parse(before.answer);

    const wakes = (kv.get<number>("wakes") ?? 0) + 1;
    kv.put("wakes", wakes);
    const answer = this.#answer(call, wakes);
    const work = answer.status === 202 ? JSON.stringify({ output: think(call, wakes), complete: call.complete }) : null;
    const row = [call.id, Date.now(), JSON.stringify(answer), work];
    sql.exec("INSERT INTO run VALUES (?, ?, ?, ?)", ...row);
    sql.exec("DELETE FROM run WHERE work IS NULL AND woken_at < ?", Date.now() - REMEMBERED_MS);
    if (work !== null) void this.ctx.storage.setAlarm(Date.now());
    return answer;
  }

  #answer(call: Call, wakes: number): Answer {
    // 410 ends the job's runs: this run fails, and the job is paused until somebody resumes it.
    if (wakes > (call.payload.stop_after ?? wakes)) {
      return { status: 410, body: { error: "this session has nothing left to do" } };
    }
    // The answer is 202 and the alarm does the work. So no connection is held open, or paid for, while the agent works.
    return call.payload.slow ? { status: 202, body: {} } : { status: 200, body: { text: think(call, wakes) } };
  }

  /**
   * Does the work of runs that were answered with 202. If the alarm throws, the platform runs it again, also after a crash.
   */
  override async alarm(): Promise<void> {
    const { sql } = this.ctx.storage;
    for (const { id, work } of sql.exec<Row>("SELECT id, work FROM run WHERE work IS NOT NULL").toArray()) {
      const { output, complete } = Work.parse(JSON.parse(work));
      const progressUrl = complete.url.replace(/complete$/, "progress");
      await report(progressUrl, complete.token, { percent: 50, message: "half-way" });
      await report(complete.url, complete.token, { status: "success", output });
      sql.exec("UPDATE run SET work = NULL WHERE id = ?", id);
    }
  }
}

const REMEMBERED_MS = 7 * 24 * 60 * 60 * 1_000;
type Row = { id: string; work: string };
const Work = z.object({ output: z.string(), complete: z.object({ url: z.string(), token: z.string() }) });

const think = (call: Call, wakes: number): string => `Wake ${wakes} of this session: ${call.message}`;

async function report(url: string, token: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  // 4xx: the run has already ended (cancelled, timed out). Another try would get the same answer.
  if (response.status >= 500) throw new Error(`Reveille answered ${response.status}`);
  if (!response.ok) console.error(response.status, await response.text());
}
