"""The part of nbflow that lives in the kernel, and how a slot puts it there and calls it.

The package `runtime` beside this module needs the standard library only. The bootstrap registers it
in the kernel as ``_nbflow_runtime`` and leaves nothing in the user's namespace; every call answers
with a JSON file in the attempt's folder, written whole. All code here is meant for silent executes
(``silent=True, store_history=False``).
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbflow.errors import ExecutionError
from nbflow.model.attempt import AttemptSpec, StoredValue
from nbflow.model.names import metric_name_problem
from nbflow.model.sentence import Sentence

PACKAGE = "_nbflow_runtime"
VALUE_KEY = "NBFLOW_VALUE_KEY"
"""The environment variable that hands kernels the key under which values are signed."""
_METRICS_BYTES = 1_000_000
_WARNED_BYTES = 10_000_000
MODULES = (
    "state",
    "metrics",
    "warned",
    "bundles",
    "code_names",
    "arrays",
    "frames",
    "figures",
    "functions",
    "sets",
    "exceptions",
    "pickling",
    "quiet",
    "previews",
    "sharing",
    "ambient",
    "guarding",
    "code_state",
    "storing",
    "items",
    "loading",
    "replays",
)
"""In the order in which they can be executed one after the other."""
VERBS = frozenset(
    {
        "open_attempt",
        "open_task",
        "choose_item",
        "replay",
        "replay_now",
        "load",
        "condition",
        "set_prompt",
        "collect",
        "describe",
    }
)


def bootstrap_code(*, embed: bool = False) -> str:
    """Return the code that registers the runtime in a kernel; running it twice does no harm.

    By default the kernel reads our files (and their byte code) by path; ``embed`` carries their
    text, for kernels that can't see this machine's files.
    """
    folder = Path(__file__).parent / "runtime"
    if embed:
        sources = {name: (folder / f"{name}.py").read_text("utf-8") for name in MODULES}
        sources[""] = (folder / "__init__.py").read_text("utf-8")
        return f"exec({_EMBEDDED!r}, {{'sources': {sources!r}, 'package': {PACKAGE!r}}})"
    return f"exec({_BY_PATH!r}, {{'folder': {str(folder)!r}, 'package': {PACKAGE!r}}})"


def call_code(verb: str, *arguments: object) -> str:
    """Return the code of one call, such as ``call_code("load")``. Arguments are plain literals."""
    if verb not in VERBS:
        raise ValueError(f"the runtime has no verb {verb!r}")
    call = f"__import__('sys').modules[{PACKAGE!r}].{verb}({', '.join(map(repr, arguments))})"
    return f"await {call}" if verb == "replay" else call


def write_spec(spec: AttemptSpec, path: Path) -> None:
    """Write the spec for `open_attempt`."""
    from nbflow.execution.codec import dumps

    path.write_text(dumps(spec), encoding="utf-8")


def result_path(workdir: Path, verb: str) -> Path:
    """Return where the answer of a call lies; remove it before the call."""
    return workdir / f"runtime-{verb}.json"


def read_result(workdir: Path, verb: str) -> Mapping[str, Any]:
    """Return the answer of a call: ``ok`` and what the verb documents, or ``ok`` false and ``error``
    with ``name``, ``message``, ``traceback`` (lines), ``cell`` and ``line`` where known.

    Raises ExecutionError when the kernel left no answer.
    """
    path = result_path(workdir, verb)
    try:
        result = json.loads(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise ExecutionError(
            Sentence("the kernel left no answer to {verb}: {problem}", verb=verb, problem=problem),
            code="NBF506",
            hint="the attempt's log holds what the kernel wrote",
        ) from problem
    if not isinstance(result, dict):
        raise ExecutionError(
            Sentence("the kernel's answer to {verb} is damaged", verb=verb), code="NBF506"
        )
    return result


def read_metrics(workdir: Path) -> dict[str, float]:
    """Return what the page recorded with `nbflow.metric` by name; a kernel's word, so what is no
    name or no finite number is passed over.
    """
    path = result_path(workdir, "metrics")
    try:
        if path.stat().st_size > _METRICS_BYTES:
            return {}
        found = json.loads(path.read_bytes())["metrics"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    numbers = ((name, _finite(value)) for name, value in found)
    return {
        name: number
        for name, number in numbers
        if number is not None and metric_name_problem(name) is None
    }


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_warned(workdir: Path) -> dict[int, list[tuple[str, str] | None]]:
    """Return what the kernel noted of warnings, by prompt: the place and the text of each, None where
    those known were forgotten. A kernel's word, so what is none of that is passed over.
    """
    path = result_path(workdir, "warned")
    try:
        if path.stat().st_size > _WARNED_BYTES:
            return {}
        cells = json.loads(path.read_bytes())["cells"]
        return {
            int(prompt): [None if event is None else (event[0], event[1])
                          for event in events if event is None or _is_pair(event)]
            for prompt, events in cells.items()
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _is_pair(event: object) -> bool:
    return isinstance(event, list) and [type(part) for part in event] == [str, str]


def stored_values(entries: "list[Mapping[str, Any]]") -> tuple[StoredValue, ...]:
    """Return the entries of a `collect` answer (``values``, ``ambient``) as values."""
    return tuple(StoredValue(**entry) for entry in entries)


_BY_PATH = """
import sys
if package not in sys.modules:
    import importlib.util, os
    spec = importlib.util.spec_from_file_location(
        package, os.path.join(folder, '__init__.py'), submodule_search_locations=[folder])
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[package]
        raise
"""

_EMBEDDED = """
import sys
if package not in sys.modules:
    import linecache, types
    made = {}
    for name, text in list(sources.items()):
        full = package + '.' + name if name else package
        made[name] = module = types.ModuleType(full)
        module.__package__ = package
        module.__file__ = '<' + full + '>'
        linecache.cache[module.__file__] = (len(text), None, text.splitlines(True), module.__file__)
    made[''].__path__ = []
    sys.modules.update({m.__name__: m for m in made.values()})
    try:
        for name, module in made.items():
            if name:
                setattr(made[''], name, module)
            exec(compile(sources[name], module.__file__, 'exec'), module.__dict__)
    except BaseException:
        for module in made.values():
            sys.modules.pop(module.__name__, None)
        raise
"""
