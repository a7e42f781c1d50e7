/**
 * The floor of a fan-out that keeps docs/contract.md §4 and §8: each call has its token, its signature, its headers and its whole body, and
 * each user a stored row. Nothing is looked up, decided, limited, aborted or tried again. What lies between the floor and this is
 * the price of signed calls and stored results, in Reveille's own code; what lies between this and Reveille is what Reveille does besides.
 */
import { DurableObject } from "cloudflare:workers";
import { jobRunBody } from "../../src/agent/body.ts";
import { mintToken, RUN_TOKEN_TTL_MS } from "../../src/agent/token.ts";
import { type FanOutSpec, startUserRun } from "../../src/domain/fan-out/user-run.ts";
import { defineJob } from "../../src/domain/job/definition.ts";
import { fanOutId, userKey } from "../../src/domain/run/run-id.ts";
import { traceparent } from "../../src/domain/run/traceparent.ts";
import { signedHeaders } from "../../src/outbound/signature.ts";
import { JobInput } from "../../src/schema/job.ts";
import { fanOut, inParallel } from "./shards.ts";

type Env = {
  readonly JOB: DurableObjectNamespace<SignedFloorShard>;
  readonly AGENT_URL: string;
  readonly AGENT_SECRET: string;
  readonly TOKEN_SECRET: string;
};

/** As Reveille writes them: as many rows a statement as its hundred values allow. */
const ROWS_PER_STATEMENT = 50;
const INSERT = `INSERT INTO result VALUES ${Array.from({ length: ROWS_PER_STATEMENT }, () => "(?, ?)").join(", ")}`;

export class SignedFloorShard extends DurableObject<Env> {
  async callUsers(shard: number, users: number, calls: number): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS result (key TEXT NOT NULL, run TEXT NOT NULL)");
    const spec = newSpec();
    let rows: string[] = [];
    await inParallel(users, calls, async (n) => {
      const userId = `user-${shard}-${n}`;
      const run = await this.#call(spec, userId);
      rows.push(userKey(userId), JSON.stringify(run));
      if (rows.length < 2 * ROWS_PER_STATEMENT) return;
      sql.exec(INSERT, ...rows);
      rows = [];
    });
    for (let n = 0; n < rows.length; n += 2) sql.exec("INSERT INTO result VALUES (?, ?)", rows[n], rows[n + 1]);
  }

  async #call(spec: FanOutSpec, userId: string) {
    const { AGENT_URL: url, AGENT_SECRET: secret, TOKEN_SECRET } = this.env;
    const now = Date.now();
    const run = { ...startUserRun(spec, userId, userKey(userId), now), jobId: spec.jobId, attempt: 1 };
    const caller = { role: "run", job_id: spec.jobId, run_id: run.id } as const;
    const complete = {
      url: `https://reveille.example/v1/jobs/${spec.jobId}/runs/${run.id}/complete`,
      token: await mintToken(caller, TOKEN_SECRET, now, now + RUN_TOKEN_TTL_MS),
    };
    const job = { id: spec.jobId, ...spec.definition };
    const body = JSON.stringify(jobRunBody({ run, job, message: job.message, complete, now }));
    const signed = await signedHeaders({ secret, id: run.id, timestampSeconds: Math.floor(now / 1_000), body });
    if (!signed.ok) throw new Error(signed.error);
    const headers = {
      "user-agent": "Reveille",
      "content-type": "application/json",
      "reveille-session-id": run.sessionId,
      traceparent: traceparent(run.id, 1),
      ...signed.value,
    };
    const response = await fetch(url, { method: "POST", headers, body });
    return { ...run, status: "success", httpStatus: response.status, output: await response.text() };
  }
}

/** The job of `measures/reveille.ts`. */
function newSpec(): FanOutSpec {
  const job = defineJob(
    JobInput.parse({
      name: "fan-out",
      exec_scope: "all_users",
      schedule: { every: "365d" },
      message: "Summarise the week.",
    }),
  );
  if (!job.ok) throw new Error(JSON.stringify(job.error));
  const [jobId, now] = ["signed-floor", Date.now()];
  const id = fanOutId(jobId, now);
  const { definition } = job.value;
  return { number: 1, id, jobId, trigger: "manual", dueAt: now, startedAt: now, definition, shards: 9 };
}

export default {
  fetch: (request: Request, env: Env): Promise<Response> =>
    fanOut(request, (shard, users, calls) => env.JOB.getByName(`shard ${shard}`).callUsers(shard, users, calls)),
};
