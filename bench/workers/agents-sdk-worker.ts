/** The same work with the Agents SDK: one agent a job, woken by its own `schedule()`, calling the sink. */
import { Agent, getAgentByName } from "agents";

type Env = { readonly JOB: DurableObjectNamespace<WakingAgent>; readonly AGENT_URL: string };

type NewJob = { readonly at: number; readonly message: string };
type Wake = { readonly id: string; readonly due: number; readonly message: string };

export class WakingAgent extends Agent<Env> {
  async create(id: string, job: NewJob): Promise<{ id: string; at: number }> {
    await this.schedule(new Date(job.at), "wake", { id, due: job.at, message: job.message });
    return { id, at: job.at };
  }

  async wake(wake: Wake): Promise<void> {
    const response = await fetch(this.env.AGENT_URL, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(wake),
    });
    await response.text();
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const job = await request.json<NewJob>();
    const id = crypto.randomUUID();
    const agent = await getAgentByName(env.JOB, id);
    return Response.json(await agent.create(id, job), { status: 201 });
  },
};
