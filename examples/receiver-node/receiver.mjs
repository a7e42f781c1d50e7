/** An agent that Reveille can wake: plain Node 20 or newer, no dependency. It checks the signature, then does what the job asks. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const { AGENT_SECRET, AGENT_SECRET_PREVIOUS, PORT = "9000" } = process.env;
/** The secret, and while it is being replaced the one of before: either may have signed a call. */
const KEYS = [AGENT_SECRET ?? "", ...(AGENT_SECRET_PREVIOUS ? [AGENT_SECRET_PREVIOUS] : [])].map(keyOf);
const TOLERANCE_SECONDS = 300;
const MAX_BODY_BYTES = 1_048_576;
const MAX_REMEMBERED = 1_000;

/** What the agent remembers of each session, by session id. A real one keeps this in a database. */
const sessions = new Map();
/** The answers given, by webhook-id: every attempt of one run has the same id, and its work is done once. */
const answers = new Map();

createServer(async (request, response) => {
  const { status, body } = await receive(request).catch((error) => {
    console.error(error);
    return { status: 500, body: { error: "the agent failed; try again" } };
  });
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}).listen(Number(PORT), "127.0.0.1", function ready() {
  console.log(`Listening on http://127.0.0.1:${this.address().port}/`);
});

async function receive(request) {
  if (request.method !== "POST") return { status: 405, body: { error: "send a POST" } };
  const text = await readBody(request);
  if (text === undefined) return { status: 413, body: { error: `the body is over ${MAX_BODY_BYTES} bytes` } };
  const wrong = signatureProblem(request.headers, text);
  if (wrong !== undefined) return { status: 401, body: { error: wrong } };
  const { type, data } = JSON.parse(text);
  if (type !== "job.run") return { status: 400, body: { error: `this agent takes job.run, not ${type}` } };

  const id = request.headers["webhook-id"];
  const before = answers.get(id);
  if (before !== undefined) return before;
  const answer = wake(data);
  remember(answers, id, answer);
  // A failure is not remembered: the next attempt shall try again.
  answer.catch(() => answers.delete(id));
  return answer;
}

/** The key behind `whsec_`. An empty one would let everybody sign. */
function keyOf(secret) {
  const key = Buffer.from(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : "", "base64");
  if (key.length < 24) throw new Error('Set AGENT_SECRET to "whsec_" and the secret in base64, of 24 bytes or more.');
  return key;
}

/** What is wrong with the signature (Standard Webhooks 1.0), or undefined. `text` is the body exactly as it arrived. */
function signatureProblem(headers, text) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!id || !timestamp || !signatures) return "the webhook-* headers are missing";
  // Written so that a timestamp which is no number fails as well.
  if (!(Math.abs(Date.now() / 1_000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return "the timestamp is too far off";
  const expected = KEYS.map((key) => createHmac("sha256", key).update(`${id}.${timestamp}.${text}`).digest());
  const signed = signatures.split(" ").some((signature) => {
    const [version, base64 = ""] = signature.split(",");
    const given = Buffer.from(base64, "base64");
    return version === "v1" && expected.some((one) => given.length === one.length && timingSafeEqual(given, one));
  });
  return signed ? undefined : "no signature fits";
}

/** One waking. Your agent goes here: `run.session_id` is the conversation to go on with, `message` the prompt. */
async function wake({ run, message, payload = {}, complete }) {
  const session = sessions.get(run.session_id) ?? { wakes: 0 };
  session.wakes += 1;
  remember(sessions, run.session_id, session);
  // 410 ends it: the run fails and the job is paused, until somebody resumes it.
  if (session.wakes > payload.stop_after)
    return { status: 410, body: { error: "this session has nothing left to do" } };
  const wakes = session.wakes;
  if (payload.slow !== true) return { status: 200, body: { text: await think(wakes, message) } };
  // Answer 202 at once and report later: nobody holds a connection open, or pays for one, while the agent works.
  work(wakes, message, complete).catch(console.error);
  return { status: 202, body: {} };
}

const think = async (wakes, message) => `Wake ${wakes} of this session: ${message}`;

async function work(wakes, message, { url, token }) {
  await report(url.replace(/complete$/, "progress"), token, { percent: 50, message: "half-way" });
  const result = await think(wakes, message).then(
    (output) => ({ status: "success", output }),
    (error) => ({ status: "error", error: String(error) }),
  );
  await report(url, token, result);
}

/** Tells Reveille; tries for about a minute, since a result that is lost would be worked out again or time out. */
async function report(url, token, body) {
  for (let attempt = 0; attempt < 6; attempt++) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => undefined);
    if (response?.ok) return;
    // 4xx: the run has ended already (cancelled, timed out); another try would be told the same.
    if (response !== undefined && response.status < 500)
      return console.error(`${response.status}: ${await response.text()}`);
    await sleep(1_000 * 2 ** attempt);
  }
  console.error("Reveille could not be reached; the run will time out");
}

async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Keeps the newest entries only, so that a long life does not fill the memory. */
function remember(map, key, value) {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_REMEMBERED) map.delete(map.keys().next().value);
}
