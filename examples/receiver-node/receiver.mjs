/**
 * An agent that Reveille can wake: plain Node 20 or newer. The kit checks signatures, recognises repeats and reports. This
 * file does the work.
 */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createAgent, nodeListener } from "reveille/agent";

const { AGENT_SECRET = "", AGENT_SECRET_PREVIOUS, PORT = "9000" } = process.env;
/** The secrets. While one is being replaced, either may have signed a call. */
const secrets = AGENT_SECRET_PREVIOUS ? [AGENT_SECRET, AGENT_SECRET_PREVIOUS] : [AGENT_SECRET];
// A secret that can be guessed would let anybody sign.
if (!secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret))) {
  throw new Error('Set AGENT_SECRET to "whsec_" and the secret in base64, of 24 bytes or more.');
}
const MAX_REMEMBERED = 1_000;

/** The agent's memory of each session, by session id. A real agent keeps this in a database. */
const sessions = new Map();

const agent = createAgent({
  secret: secrets,
  // After this time the run is answered 202 and completed when it ends. So no connection is held open, or paid for, for
  // longer.
  defer: "200ms",
  onRun: wake,
});

createServer(nodeListener(agent)).listen(Number(PORT), "127.0.0.1", function ready() {
  console.log(`Listening on http://127.0.0.1:${this.address().port}/`);
});

/** One waking. Put your agent here: `session_id` is the conversation to continue, and `message` the prompt. */
async function wake(run) {
  const { session_id, message, payload } = run;
  const wakes = (sessions.get(session_id) ?? 0) + 1;
  remember(session_id, wakes);
  // 410 ends the job's runs: this run fails, and the job is paused until somebody resumes it.
  if (wakes > payload.stop_after)
    return Response.json({ error: "this session has nothing left to do" }, { status: 410 });
  if (payload.slow !== true) return { text: think(wakes, message) };
  await run.progress({ percent: 50, message: "half-way" });
  // Your model works here. Pass `run.signal` on, so that a cancelled run ends the work.
  await sleep(500, undefined, { signal: run.signal });
  return think(wakes, message);
}

const think = (wakes, message) => `Wake ${wakes} of this session: ${message}`;

/** Keeps only the newest sessions, so that the memory stays small. */
function remember(session, wakes) {
  sessions.delete(session);
  sessions.set(session, wakes);
  if (sessions.size > MAX_REMEMBERED) sessions.delete(sessions.keys().next().value);
}
