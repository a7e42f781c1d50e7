"""What an agent needs to be woken by Reveille: Python 3.9 or newer, standard library only. One file, to be copied or imported.

    from reveille_agent import create_agent
    create_agent(secret, lambda run: think(run.session_id, run.message)).serve(9000)
"""
import base64
import hashlib
import hmac
import json
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 1_048_576
MAX_REMEMBERED = 1_000
MAX_REPORTS = 8
MIN_KEY_BYTES = 24


class Response:
    """An answer of your own: 410 pauses the job, another 4xx is an error without a retry."""

    def __init__(self, status, body=None):
        self.status, self.body = status, body


class Run:
    """A run as your code gets it."""

    def __init__(self, data):
        run = data["run"]
        self.id, self.session_id = run["id"], run["session_id"]
        self.job_id, self.user_id = run.get("job_id"), run.get("user_id")
        self.trigger, self.scheduled_at, self.attempt = run.get("trigger"), run.get("scheduled_at"), run.get("attempt", 1)
        self.job, self.message, self.payload = data.get("job", {}), data.get("message", ""), data.get("payload", {})
        self.previous, self.complete = data.get("previous"), data["complete"]
        # Set when Reveille has ended the run: it was cancelled, or timed out.
        self.ended = threading.Event()
        self._control = {}

    def progress(self, percent=None, message=None):
        """Shows how far the run is, and renews its deadline. Never raises: a report that is lost costs nothing."""
        fields = {"percent": percent, "message": message}
        body = {name: value for name, value in fields.items() if value is not None}
        if _post(re.sub("complete$", "progress", self.complete["url"]), self.complete["token"], body) == "ended":
            self.ended.set()

    def control(self, **fields):
        """Adds to what the answer says of the job: next_in, next_at, done, pause, unchanged, cost_usd, tokens."""
        self._control.update(fields)


def create_agent(secret, on_run, defer=5.0, workers=32):
    """An agent of `on_run(run)`. `secret` is `whsec_...`, or a list of two while one is replaced; `defer` is in seconds."""
    return Agent([secret] if isinstance(secret, str) else list(secret), on_run, defer, workers)


class Agent:
    """Verifies calls, does each run once, answers in time or with 202, and completes with retries."""

    def __init__(self, secrets, on_run, defer, workers):
        self._keys = [_key_of(secret) for secret in secrets]
        self._on_run, self._defer = on_run, defer
        self._pool = ThreadPoolExecutor(max_workers=workers)
        self._lock = threading.Lock()
        # The runs, by their ids: every attempt of one has the same id, and its work is done once.
        self._runs = OrderedDict()

    def handle(self, headers, body):
        """Answers one call: (status, body or None). `headers` has `get`; `body` is the bytes exactly as they arrived."""
        problem = self._signature_problem(headers, body)
        if problem is not None:
            return 401, {"error": problem}
        call = json.loads(body)
        if call.get("type") != "job.run":
            return 400, {"error": f"this agent takes job.run, not {call.get('type')}"}
        run, work = self._begin(call["data"])
        try:
            return _answer(run, work.result(self._defer))
        except TimeoutError:
            work.add_done_callback(lambda done: self._pool.submit(_complete, run, done))
            return 202, None
        except Exception as error:
            # A failure is not remembered: the next attempt shall try again.
            with self._lock:
                self._runs.pop(run.id, None)
            print("the agent failed:", repr(error), file=sys.stderr, flush=True)
            return 500, {"error": str(error)}

    def serve(self, port=9000, host="127.0.0.1"):
        """Listens until the process ends."""
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = self.headers.get("content-length", "")
                if not re.fullmatch(r"[0-9]{1,9}", length):
                    return self.answer(411, {"error": "send a Content-Length"})
                if int(length) > MAX_BODY_BYTES:
                    return self.answer(413, {"error": f"the body is over {MAX_BODY_BYTES} bytes"})
                self.answer(*agent.handle(self.headers, self.rfile.read(int(length))))

            def answer(self, status, body):
                text = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("content-type", "text/plain; charset=utf-8" if isinstance(body, str) else "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        server = ThreadingHTTPServer((host, port), Handler)
        print(f"Listening on http://{host}:{server.server_port}/", flush=True)
        server.serve_forever()

    def _begin(self, data):
        """The run and its work, which is begun unless it is known; reports go with the token that came last."""
        with self._lock:
            known = self._runs.get(data["run"]["id"])
            if known is not None:
                known[0].complete = data["complete"]
                return known
            run = Run(data)
            self._runs[run.id] = run, self._pool.submit(self._on_run, run)
            if len(self._runs) > MAX_REMEMBERED:
                self._runs.popitem(last=False)
            return self._runs[run.id]

    def _signature_problem(self, headers, body):
        """What is wrong with the signature (Standard Webhooks 1.0), or None."""
        id, timestamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not (id and timestamp and signatures):
            return "the webhook-* headers are missing"
        if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
            return "the timestamp is too far off"
        content = f"{id}.{timestamp}.".encode() + body
        for key in self._keys:
            expected = b"v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
            if any(hmac.compare_digest(given.encode(), expected) for given in signatures.split(" ")):
                return None
        return "no signature fits"


def _key_of(secret):
    """The key behind `whsec_`. An empty one would let everybody sign."""
    key = base64.b64decode(secret[len("whsec_"):]) if secret.startswith("whsec_") else b""
    if len(key) < MIN_KEY_BYTES:
        raise SystemExit('Set AGENT_SECRET to "whsec_" and the secret in base64, of 24 bytes or more.')
    return key


def _answer(run, value):
    if isinstance(value, Response):
        return value.status, value.body
    if not run._control:
        return (204, None) if value is None else (200, value)
    # The control stands at the top of an answer that is a JSON object.
    body = value if isinstance(value, dict) else {} if value is None else {"output": value}
    return 200, {**body, "reveille": run._control}


def _complete(run, work: Future):
    """Reports the end of a run that was answered with 202; tries for minutes, since a lost result would time out."""
    if run.ended.is_set():
        return
    error = work.exception()
    if error is not None:
        body = {"status": "error", "error": str(error)}
    else:
        value = work.result()
        if isinstance(value, Response):
            status, text = value.status, value.body if isinstance(value.body, str) else json.dumps(value.body)
            body = {"status": "success", "output": text} if status < 300 else {"status": "error", "error": f"{status}: {text}"}
        else:
            body = {"status": "success"} if value is None else {"status": "success", "output": value}
    if run._control:
        body["control"] = run._control
    for attempt in range(MAX_REPORTS):
        if _post(run.complete["url"], run.complete["token"], body) != "lost":
            return
        time.sleep(2**attempt)
    print("the run", run.id, "could not be completed", file=sys.stderr, flush=True)


def _post(url, token, body):
    """Sends a report: "done", "ended" where Reveille has ended the run, "lost" where another try may help."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    try:
        urllib.request.urlopen(request, timeout=30).close()
        return "done"
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), file=sys.stderr, flush=True)
        return "lost" if error.code >= 500 or error.code == 429 else "ended"
    except OSError as error:
        print("Reveille could not be reached:", error, file=sys.stderr, flush=True)
        return "lost"
