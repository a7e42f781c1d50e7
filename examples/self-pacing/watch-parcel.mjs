/**
 * A loop that the agent drives. It creates one job, is woken, and says each time when to wake it next, until the parcel has
 * arrived. It is plain Node 20 or newer without dependencies or an address: the agent claims its runs from a mailbox.
 */
const { REVEILLE_URL = "http://127.0.0.1:8787", REVEILLE_TOKEN, AGENT = "parcel-watcher" } = process.env;
if (!REVEILLE_TOKEN)
  throw new Error("Set REVEILLE_TOKEN to a token of role agent with this agent_id, or to ADMIN_TOKEN.");

async function call(method, path, body, token = REVEILLE_TOKEN) {
  const response = await fetch(new URL(path, REVEILLE_URL), {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.detail} ${answer.hint ?? ""}`);
  return answer;
}

/** A stand-in for the carrier's page and for the model that reads it. Seconds stand for hours. */
const STATIONS = ["in the sorting centre", "in the sorting centre", "out for delivery", "delivered"];
const lookUp = (seen) => ({ where: STATIONS[seen], cost_usd: 0.012, tokens: 900 });

/** The agent's finding, and its control of the job. `previous` is its last finding (`continuity`). */
function look(seen, previous) {
  const { where, cost_usd, tokens } = lookUp(seen);
  const spent = { cost_usd, tokens };
  if (where === "delivered") return { where, control: { ...spent, done: true } };
  const next_in = where === "out for delivery" ? "1s" : "2s";
  return { where, control: { ...spent, next_in, ...(previous?.output === where ? { unchanged: true } : {}) } };
}

await call("PUT", `/v1/agents/${AGENT}`, { delivery: "pull" });
const job = await call("POST", "/v1/jobs", {
  name: "Watch the parcel",
  message: "Look where the parcel is, and say when to look again.",
  agent_id: AGENT,
  schedule: { in: "1s" },
  pacing: { min: "1s", max: "1h" },
  continuity: true,
  budget: { usd_total: 2 },
});

for (let seen = 0; seen < STATIONS.length; ) {
  const { items } = await call("POST", `/v1/agents/${AGENT}/claim`, { wait: "50s" });
  for (const { data } of items) {
    const { where, control } = look(seen++, data.previous);
    const found = control.unchanged ? `still ${where}` : where;
    console.log(`${seen}. ${found}: ${control.done ? "done" : `look again in ${control.next_in}`}`);
    await call("POST", data.complete.url, { status: "success", output: where, control }, data.complete.token);
  }
}

const { state, spent } = await call("GET", `/v1/jobs/${job.id}`);
const news = await call("GET", `/v1/jobs/${job.id}/runs?unchanged=false`);
console.log(`The job is ${state}: ${spent.total.runs} runs, ${news.items.length} with news, $${spent.total.usd}.`);
