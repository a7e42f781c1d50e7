/**
 * A Cloudflare Agents SDK agent that Reveille can wake: one agent for each session, with its memory in the agent's state.
 */
import { Agent, getAgentByName } from "agents";
import { createAgent, type Agent as Handler } from "reveille/agent";
import * as z from "zod";

declare global {
  namespace Cloudflare {
    interface Env {
      readonly AGENT_SECRET: string;
      /** The previous secret, while it is being replaced. */
      readonly AGENT_SECRET_PREVIOUS?: string;
      readonly ASSISTANT: DurableObjectNamespace<Assistant>;
    }
  }
}

const Payload = z.object({ slow: z.boolean().default(false), stop_after: z.number().optional() });

/** The part of a run that an assistant gets. */
type Call = {
  readonly id: string;
  readonly message: string;
  readonly payload: z.infer<typeof Payload>;
  readonly complete: { readonly url: string; readonly token: string };
};
type Answer = { readonly status: 200 | 202 | 410; readonly body: Record<string, string> };
type Work = { readonly text: string; readonly complete: Call["complete"] };

let handler: Handler | undefined;

/**
 * Verifies the call and recognises repeats. The assistant does the work, and completes the runs that it answers with 202.
 */
const handlerOf = (env: Cloudflare.Env): Handler =>
  createAgent({
    secret: env.AGENT_SECRET_PREVIOUS ? [env.AGENT_SECRET, env.AGENT_SECRET_PREVIOUS] : env.AGENT_SECRET,
    onRun: async ({ id, session_id, message, payload, complete }) => {
      // The session id names the conversation. It is the same agent with its memory each time the job fires.
      const agent = await getAgentByName<Cloudflare.Env, Assistant>(env.ASSISTANT, session_id);
      const { status, body } = await agent.wake({ id, message, payload: Payload.parse(payload), complete });
      return Response.json(body, { status });
    },
  });

export default {
  async fetch(request: Request, env: Cloudflare.Env, context: ExecutionContext): Promise<Response> {
    handler ??= handlerOf(env);
    return handler(request, env, context);
  },
} satisfies ExportedHandler<Cloudflare.Env>;

type Memory = { readonly wakes: number };

/** One conversation. */
export class Assistant extends Agent<Cloudflare.Env, Memory> {
  override initialState: Memory = { wakes: 0 };

  override onStart(): void {
    this.sql`CREATE TABLE IF NOT EXISTS answered (run_id TEXT PRIMARY KEY, at INTEGER, answer TEXT) WITHOUT ROWID`;
  }

  /** Answers one call. Every attempt of a run has the same id, and its work is done once. */
  async wake(call: Call): Promise<Answer> {
    const [before] = this.sql<{ answer: string }>`SELECT answer FROM answered WHERE run_id = ${call.id}`;
    if (before !== undefined) return JSON.parse(before.answer);

    const wakes = this.state.wakes + 1;
    const answer = this.#answer(call, wakes);
    // The queue is durable, and adding an item again under its id replaces the old one. So a crash here repeats nothing.
    const work: Work = { text: this.#think(call, wakes), complete: call.complete };
    const retry = { maxAttempts: 6, baseDelayMs: 1_000, maxDelayMs: 30_000 };
    if (answer.status === 202) await this.queue<Work>("work", work, { id: call.id, retry });
    this.setState({ wakes });
    this.sql`INSERT INTO answered VALUES (${call.id}, ${Date.now()}, ${JSON.stringify(answer)})`;
    this.sql`DELETE FROM answered WHERE at < ${Date.now() - REMEMBERED_MS}`;
    return answer;
  }

  /** Does the work of a run that was answered with 202. It is tried again if it throws. */
  async work({ text, complete }: Work): Promise<void> {
    const progressUrl = complete.url.replace(/complete$/, "progress");
    await report(progressUrl, complete.token, { percent: 50, message: "half-way" });
    await report(complete.url, complete.token, { status: "success", output: text });
  }

  #answer(call: Call, wakes: number): Answer {
    // 410 ends the job's runs: this run fails, and the job is paused until somebody resumes it.
    if (wakes > (call.payload.stop_after ?? wakes)) {
      return { status: 410, body: { error: "this session has nothing left to do" } };
    }
    // The answer is 202 and the queue does the work. So no connection is held open, or paid for, while the agent works.
    return call.payload.slow ? { status: 202, body: {} } : { status: 200, body: { text: this.#think(call, wakes) } };
  }

  /** Put your model here. */
  #think(call: Call, wakes: number): string {
    return `Wake ${wakes} of this session: ${call.message}`;
  }
}

const REMEMBERED_MS = 7 * 24 * 60 * 60 * 1_000;

async function report(url: string, token: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  // 4xx: the run has already ended (cancelled, timed out). Another try would get the same answer.
  if (response.status >= 500) throw new Error(`Reveille answered ${response.status}`);
  if (!response.ok) console.error(response.status, await response.text());
}
