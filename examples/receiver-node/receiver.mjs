/** An agent that Reveille can wake: plain Node 20 or newer. The kit checks the signature, knows repeats and reports; this does the work. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createAgent, nodeListener } from "reveille/agent";

const { AGENT_SECRET = "", AGENT_SECRET_PREVIOUS, PORT = "9000" } = process.env;
/** While the secret is being replaced, either may have signed a call. */
const secrets = AGENT_SECRET_PREVIOUS ? [AGENT_SECRET, AGENT_SECRET_PREVIOUS] : [AGENT_SECRET];
// One that can be guessed would let everybody sign.
if (!secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret))) {
  throw new Error('Set AGENT_SECRET to "whsec_" and the secret in base64, of 24 bytes or more.');
}
const MAX_REMEMBERED = 1_000;

/** What the agent remembers of each session, by session id. A real one keeps this in a database. */
const sessions = new Map();

const agent = createAgent({
  secret: secrets,
  // Nobody holds a connection open, or pays for one, for longer than this: then the run is answered 202, and completed when it ends.
  defer: "200ms",
  onRun: wake,
});

createServer(nodeListener(agent)).listen(Number(PORT), "127.0.0.1", function ready() {
  console.log(`Listening on http://127.0.0.1:${this.address().port}/`);
});

/** One waking. Your agent goes here: `session_id` is the conversation to go on with, `message` the prompt. */
async function wake(run) {
  const { session_id, message, payload } = run;
  const wakes = (sessions.get(session_id) ?? 0) + 1;
  remember(session_id, wakes);
  // 410 ends it: the run fails and the job is paused, until somebody resumes it.
  if (wakes > payload.stop_after)
    return Response.json({ error: "this session has nothing left to do" }, { status: 410 });
  if (payload.slow !== true) return { text: think(wakes, message) };
  await run.progress({ percent: 50, message: "half-way" });
  // Your model takes its time here; pass `run.signal` on, so that a cancelled run ends it.
  await sleep(500, undefined, { signal: run.signal });
  return think(wakes, message);
}

const think = (wakes, message) => `Wake ${wakes} of this session: ${message}`;

/** Keeps the newest sessions only, so that a long life does not fill the memory. */
function remember(session, wakes) {
  sessions.delete(session);
  sessions.set(session, wakes);
  if (sessions.size > MAX_REMEMBERED) sessions.delete(sessions.keys().next().value);
}
