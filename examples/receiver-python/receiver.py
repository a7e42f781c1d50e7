"""An agent that Reveille can wake: Python 3.9 or newer, standard library only. `reveille_agent.py` beside it does all but the work."""
import os
import threading
from collections import OrderedDict

from reveille_agent import Response, create_agent

MAX_REMEMBERED = 1_000

lock = threading.Lock()
# How often each session was woken, by session id. A real agent keeps its sessions in a database.
sessions = OrderedDict()


def wake(run):
    """One waking. Your agent goes here: `session_id` is the conversation to go on with, `message` the prompt."""
    with lock:
        wakes = sessions.pop(run.session_id, 0) + 1
        sessions[run.session_id] = wakes
        if len(sessions) > MAX_REMEMBERED:
            sessions.popitem(last=False)
    # 410 ends it: the run fails and the job is paused, until somebody resumes it.
    if wakes > run.payload.get("stop_after", wakes):
        return Response(410, {"error": "this session has nothing left to do"})
    if run.payload.get("slow") is not True:
        return {"text": think(wakes, run.message)}
    run.progress(50, "half-way")
    # Your model takes its time here; `run.ended` is set when the run was cancelled.
    run.ended.wait(0.5)
    return think(wakes, run.message)


def think(wakes, message):
    return f"Wake {wakes} of this session: {message}"


# While the secret is being replaced, either may have signed a call.
secrets = [os.environ.get("AGENT_SECRET", ""), os.environ.get("AGENT_SECRET_PREVIOUS", "")]
secrets = secrets if secrets[1] else secrets[:1]
# Nobody holds a connection open for longer than `defer`: then the run is answered 202, and completed when it ends.
create_agent(secrets, wake, defer=0.2).serve(int(os.environ.get("PORT", "9000")))
