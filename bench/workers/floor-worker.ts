/**
 * The floor: the least that a scheduler with one Durable Object a job can do. One row, one alarm, one fetch; no checks, no run log, no
 * list. It keeps no promise but one: the alarm is armed in the commit that stores the row.
 */
import { DurableObject } from "cloudflare:workers";
import { fanOut, inParallel } from "./shards.ts";

type Env = {
  readonly JOB: DurableObjectNamespace<FloorJob>;
  readonly AGENT_URL: string;
  /** Under Miniflare, as `npm start` binds it. */
  readonly NETWORK?: Fetcher;
};

type NewJob = { readonly at: number; readonly message: string };

export class FloorJob extends DurableObject<Env> {
  create(id: string, job: NewJob): { id: string; at: number } {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE job (id TEXT NOT NULL, due_at INTEGER NOT NULL, message TEXT NOT NULL, ran_at INTEGER)");
    sql.exec("INSERT INTO job VALUES (?, ?, ?, NULL)", id, job.at, job.message);
    void this.ctx.storage.setAlarm(job.at);
    return { id, at: job.at };
  }

  override async alarm(): Promise<void> {
    const { sql } = this.ctx.storage;
    const row = sql.exec("SELECT id, due_at, message FROM job").one();
    await this.#call(JSON.stringify({ id: row.id, due: row.due_at, message: row.message }));
    sql.exec("UPDATE job SET ran_at = ?", Date.now());
  }

  callUsers(shard: number, users: number, calls: number): Promise<void> {
    return inParallel(users, calls, (n) =>
      this.#call(JSON.stringify({ user_id: `user-${shard}-${n}`, message: "Summarise the week." })),
    );
  }

  async #call(body: string): Promise<void> {
    const { AGENT_URL: url, NETWORK: network } = this.env;
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    const response = await (network === undefined ? fetch(url, init) : network.fetch(url, init));
    await response.text();
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.url.endsWith("/fan-out")) {
      return fanOut(request, (shard, users, calls) =>
        env.JOB.getByName(`shard ${shard}`).callUsers(shard, users, calls),
      );
    }
    const job = await request.json<NewJob>();
    const id = crypto.randomUUID();
    return Response.json(await env.JOB.getByName(id).create(id, job), { status: 201 });
  },
};
