/**
 * The README's story against a deployment. A job is created, fires, appears in its log, is explained and deleted. The
 * agent's answer is shown but not judged.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { type Answer, complaint, type Deployment, unreachable } from "./deployment.ts";

const AHEAD_MS = 3_000;
/** The time for the run. An alarm may be a minute late on Cloudflare, and the agent needs its time too. */
const RUN_LIMIT_MS = 120_000;
const LOOK_MS = 500;

const Job = z.object({ id: z.string(), next_run_at: z.string() });
const Run = z.object({
  id: z.string(),
  status: z.string(),
  scheduled_at: z.string(),
  started_at: z.string(),
  http_status: z.number().optional(),
  output: z.string().optional(),
  error: z.string().optional(),
});
const Runs = z.object({ items: z.array(Run) });
const Explanation = z.object({ verdict: z.string(), explanation: z.string() });

type Lines = { print(line: string): void; warn(line: string): void };
type Tell = (step: "made" | "fired" | "agent" | "explained" | "deleted", what: string) => void;

/** Runs the story, and prints a line for each step. Returns 0 if Reveille did its part, else 1. */
export async function runSmoke(deployment: Deployment, { print, warn }: Lines): Promise<number> {
  const error = await smoked(deployment, (step, what) => print(`${step.padEnd(9)} ${what}`));
  if (error === undefined) print("Done: nothing is left behind.");
  else warn(`FAILED: ${error}`);
  return error === undefined ? 0 : 1;
}

/** Reports each step as it is done. Returns the fault, or undefined. */
export async function smoked(deployment: Deployment, tell: Tell): Promise<string | undefined> {
  try {
    await smoke(deployment, tell);
    return undefined;
  } catch (error) {
    return error instanceof Error && error.cause === undefined ? error.message : unreachable(error);
  }
}

async function smoke({ call }: Deployment, tell: Tell): Promise<void> {
  expectStatus("GET /healthz", await call("GET", "/healthz", { token: null }), 200);
  const made = expectStatus(
    "POST /v1/jobs",
    await call("POST", "/v1/jobs", {
      json: {
        name: `smoke ${randomUUID().slice(0, 8)}`,
        message: "This is a smoke run of Reveille. Answer with anything.",
        schedule: { at: new Date(Date.now() + AHEAD_MS).toISOString() },
        retry: { max_attempts: 1 },
        timeout: "1m",
      },
    }),
    201,
  );
  const { id, next_run_at } = Job.parse(made.body);
  const path = `/v1/jobs/${id}`;
  // Ctrl-C leaves nothing behind either.
  process.once("SIGINT", () => void call("DELETE", path).finally(() => process.exit(130)));
  try {
    tell("made", `${id}, due at ${next_run_at}`);
    const run = await endOfRun(call, path);
    const late = Date.parse(run.started_at) - Date.parse(run.scheduled_at);
    tell("fired", `run ${run.id}, ${late} ms after it was due`);
    tell("agent", resultOf(run));
    const explained = expectStatus("explain", await call("GET", `${path}/explain?at=${run.scheduled_at}`), 200);
    const { verdict, explanation } = Explanation.parse(explained.body);
    tell("explained", `${verdict}: ${explanation}`);
  } finally {
    expectStatus(`DELETE ${path}`, await call("DELETE", path), 204);
  }
  expectStatus(`GET ${path} after it was deleted`, await call("GET", path), 404);
  expectStatus(`GET ${path}/runs after it was deleted`, await call("GET", `${path}/runs`), 404);
  tell("deleted", "the job and its runs");
}

/** The job's run, once it has ended or the agent has answered 202. */
async function endOfRun(call: Deployment["call"], path: string): Promise<z.infer<typeof Run>> {
  for (const deadline = Date.now() + RUN_LIMIT_MS; Date.now() < deadline; await sleep(LOOK_MS)) {
    const [run] = Runs.parse(expectStatus(`GET ${path}/runs`, await call("GET", `${path}/runs`), 200).body).items;
    if (run !== undefined && (run.status !== "running" || run.http_status === 202)) return run;
  }
  const explained = Explanation.safeParse((await call("GET", `${path}/explain`)).body).data;
  throw new Error(
    `the job has not run within ${RUN_LIMIT_MS / 1_000} s: ${explained?.explanation ?? "explain does not answer"}`,
  );
}

function resultOf({ status, http_status, output, error }: z.infer<typeof Run>): string {
  if (status === "success") return `answered ${http_status}: ${output ?? "(nothing)"}`;
  if (status === "running") return "took the run (202) and will report later; the job is deleted before that";
  return `${status}: ${error ?? "no reason given"}. Set AGENT_URL and AGENT_SECRET to an agent that answers.`;
}

function expectStatus(what: string, answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`${what} ${complaint(answer)}, not ${status}`);
  return answer;
}
