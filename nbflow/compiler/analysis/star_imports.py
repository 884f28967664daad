"""What ``from M import *`` binds, and where each name comes from; no module of the user is run."""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache

from nbflow.compiler.analysis import libraries as lib

_NEVER = frozenset({"antigravity", "this", "idlelib"})
_SECONDS = 30
_ASK = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
homes = [importlib.import_module(name) for name in sys.argv[2:] if name in sys.modules]
names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
found = {}
for name in names:
    thing = getattr(module, name)
    if isinstance(thing, type(sys)):
        found[name] = thing.__name__
        continue
    own = [h.__name__ for h in homes if callable(thing) and getattr(h, name, None) is thing]
    found[name] = f"{own[0] if own else sys.argv[1]}.{name}"
print(json.dumps(found))
"""
_HOMES = ("numpy.random", "matplotlib.pyplot", "numpy", "numpy.linalg", "numpy.fft")
"""Modules whose functions others hand on (``pylab``): rules name them by these."""


@lru_cache(maxsize=64)
def exported_names(module: str) -> Mapping[str, str] | None:
    """Return the dotted path by the name that a star import binds; None where nobody can tell.

    Modules of Python are imported, those of well-known libraries in a process of their own.
    """
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names and root not in _NEVER:
        return _of_python(module)
    return _of_library(module) if root in lib.QUIET_ROOTS or root == "sympy" else None


def _of_python(module: str) -> Mapping[str, str] | None:
    if not _exists(module):
        return None
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", None) or [n for n in vars(loaded) if n[0] != "_"]
    return {str(name): f"{module}.{name}" for name in sorted(names)}


def _of_library(module: str) -> Mapping[str, str] | None:
    if not _exists(module.partition(".")[0]):
        return None
    command = [sys.executable, "-I", "-c", _ASK, module, *_HOMES]
    try:
        done = subprocess.run(  # noqa: S603 - the module is one of ours
            command, capture_output=True, text=True, timeout=_SECONDS, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    return dict(sorted(found.items()))


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False
