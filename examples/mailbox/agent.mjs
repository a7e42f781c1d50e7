/**
 * An agent without an address: plain Node 20 or newer, without dependencies. It claims its runs over HTTP, so it works
 * behind any firewall and on a laptop that is closed at night. Runs that come due meanwhile wait in its mailbox.
 */
import { setTimeout as sleep } from "node:timers/promises";

const { REVEILLE_URL = "http://127.0.0.1:8787", REVEILLE_TOKEN, AGENT = "laptop" } = process.env;
if (!REVEILLE_TOKEN)
  throw new Error("Set REVEILLE_TOKEN to a token of role agent with this agent_id, or to ADMIN_TOKEN.");

const LEASE_SECONDS = 60;

async function call(method, path, body, token = REVEILLE_TOKEN) {
  const response = await fetch(new URL(path, REVEILLE_URL), {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.detail} ${answer.hint ?? ""}`);
  return answer;
}

/** Does one run. It reports progress while it works, so that the lease does not run out, and then the end. */
async function wake({ run, message, payload, complete }) {
  console.log(`${run.session_id}: ${message}`);
  const report = (what, body) => call("POST", complete.url.replace(/complete$/, what), body, complete.token);
  const progress = setInterval(() => report("progress", {}).catch(console.error), (LEASE_SECONDS * 1_000) / 3);
  try {
    const output = await work(message, payload);
    await report("complete", { status: "success", output });
  } catch (error) {
    await report("complete", { status: "error", error: String(error) });
  } finally {
    clearInterval(progress);
  }
}

/** Put your agent here. */
async function work(message, payload) {
  return `Done: ${message} ${payload === undefined ? "" : JSON.stringify(payload)}`.trim();
}

await call("PUT", `/v1/agents/${AGENT}`, { delivery: "pull" });
console.log(`Waiting for runs of ${AGENT}`);
for (;;) {
  try {
    const claim = { wait: "50s", lease: `${LEASE_SECONDS}s` };
    const { items } = await call("POST", `/v1/agents/${AGENT}/claim`, claim);
    for (const { data } of items) await wake(data);
  } catch (error) {
    console.error(`${error}; trying again`);
    await sleep(2_000);
  }
}
