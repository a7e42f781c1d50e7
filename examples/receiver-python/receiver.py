"""An agent that Reveille can wake: Python 3.9 or newer, standard library only."""
import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def key_of(secret):
    """The key behind `whsec_`. An empty one would let everybody sign."""
    key = base64.b64decode(secret[len("whsec_"):]) if secret.startswith("whsec_") else b""
    if len(key) < 24:
        raise SystemExit('Set AGENT_SECRET to "whsec_" and the secret in base64, of 24 bytes or more.')
    return key


# The secret, and while it is being replaced the one of before: either may have signed a call.
PREVIOUS = os.environ.get("AGENT_SECRET_PREVIOUS")
KEYS = [key_of(secret) for secret in [os.environ.get("AGENT_SECRET", "")] + ([PREVIOUS] if PREVIOUS else [])]
PORT = int(os.environ.get("PORT", "9000"))
TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 1_048_576
MAX_REMEMBERED = 1_000

lock = threading.Lock()
pool = ThreadPoolExecutor(max_workers=32)
# How often each session was woken, by session id. A real agent keeps its sessions in a database.
sessions = OrderedDict()
# The answers given, as futures, by webhook-id: every attempt of one run has the same id, and its work is done once.
answers = OrderedDict()


def signature_problem(headers, body):
    """What is wrong with the signature (Standard Webhooks 1.0), or None. `body` is the bytes exactly as they arrived."""
    id, timestamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id and timestamp and signatures):
        return "the webhook-* headers are missing"
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return "the timestamp is too far off"
    content = f"{id}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()) for key in KEYS]
    if any(hmac.compare_digest(given.encode(), one) for given in signatures.split(" ") for one in expected):
        return None
    return "no signature fits"


def wake(data):
    """One waking. Your agent goes here: `session_id` is the conversation to go on with, `message` the prompt."""
    session_id, message = data["run"]["session_id"], data.get("message", "")
    payload = data.get("payload", {})
    with lock:
        wakes = remember(sessions, session_id, sessions.get(session_id, 0) + 1)
    # 410 ends it: the run fails and the job is paused, until somebody resumes it.
    if wakes > payload.get("stop_after", wakes):
        return 410, {"error": "this session has nothing left to do"}
    if payload.get("slow") is not True:
        return 200, {"text": think(wakes, message)}
    # Answer 202 at once and report later: nobody holds a connection open, or pays for one, while the agent works.
    pool.submit(work, wakes, message, data["complete"])
    return 202, {}


def think(wakes, message):
    return f"Wake {wakes} of this session: {message}"


def work(wakes, message, complete):
    url, token = complete["url"], complete["token"]
    report(re.sub("complete$", "progress", url), token, {"percent": 50, "message": "half-way"})
    try:
        result = {"status": "success", "output": think(wakes, message)}
    except Exception as error:
        result = {"status": "error", "error": str(error)}
    report(url, token, result)


def report(url, token, body):
    """Tells Reveille; tries for about a minute, since a result that is lost would be worked out again or time out."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    for attempt in range(6):
        try:
            return urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            # 4xx: the run has ended already (cancelled, timed out); another try would be told the same.
            if error.code < 500:
                return print(error.code, error.read().decode(), flush=True)
        except OSError as error:
            print("Reveille could not be reached:", error, flush=True)
        time.sleep(2**attempt)


def remember(entries, key, value):
    """Keeps the newest entries only, so that a long life does not fill the memory."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MAX_REMEMBERED:
        entries.popitem(last=False)
    return value


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length):
            return self.answer(411, {"error": "send a Content-Length"})
        if int(length) > MAX_BODY_BYTES:
            return self.answer(413, {"error": f"the body is over {MAX_BODY_BYTES} bytes"})
        body = self.rfile.read(int(length))
        problem = signature_problem(self.headers, body)
        if problem is not None:
            return self.answer(401, {"error": problem})
        call = json.loads(body)
        if call["type"] != "job.run":
            return self.answer(400, {"error": f"this agent takes job.run, not {call['type']}"})
        id = self.headers["webhook-id"]
        with lock:
            waking = answers.get(id) or remember(answers, id, pool.submit(wake, call["data"]))
        try:
            self.answer(*waking.result())
        except Exception as error:
            # A failure is not remembered: the next attempt shall try again.
            with lock:
                answers.pop(id, None)
            print("the agent failed:", repr(error), flush=True)
            self.answer(500, {"error": "the agent failed; try again"})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
print(f"Listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
