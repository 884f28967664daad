"""Crash points: named places where a test can make the process die, raise or stall.

In production a point costs one ``if``. ``NBFLOW_FAULT='name:3:kill'`` acts on the third hit of
``name``; several specs are separated by ``,``. The actions:

``kill``, ``stop``, ``sleep:N``
    The process is killed, stopped, or does nothing for N seconds.
``exc``
    Something goes wrong here: `InjectedFaultError`, which nobody expects. Before a commit, nothing
    was written; after it, all was.
``commit_then_raise``
    At a ``post_commit`` point: the commit took place, but its reply was lost on the way, and whoever
    asked for it must find out (`LostReplyError`).
"""

import os
import signal
import time
from collections import Counter

_spec = os.environ.get("NBFLOW_FAULT", "")
_hits: Counter[str] = Counter()


class InjectedFaultError(RuntimeError):
    """Raised by a crash point whose action is ``exc``."""


class LostReplyError(RuntimeError):
    """Raised by a crash point whose action is ``commit_then_raise``."""


def point(name: str) -> None:
    """Do what `NBFLOW_FAULT` says for this place; nothing in production."""
    if not _spec:
        return
    _hits[name] += 1
    for one in _spec.split(","):
        wanted, hit, action = one.split(":", 2)
        if wanted == name and _hits[name] == int(hit):
            _act(name, action)


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
    elif action == "commit_then_raise":
        raise LostReplyError(f"the reply to the commit at {name} was lost")
    else:
        raise InjectedFaultError(f"injected fault at {name}")
