"""Run a compiled DAG in plain Python, without kernels: each task in a namespace of its own.

It follows the plan of `nbflow.model.dag` to the letter (replays, inputs, bundles, groups), takes the
tasks in any order that the edges allow, and returns what every cell printed, in page order. So a
property can compare it with the page run top to bottom, thousands of times a minute.
"""

import contextlib
import gc
import io
import marshal
import pickle
import random
import types
from typing import Any

from nbflow.compiler import compile_notebook
from nbflow.model.dag import Dag, Replay, Task
from nbflow.model.diagnostics import has_errors
from nbflow.model.notebook import Notebook


def run_page(notebook: Notebook) -> list[str]:
    """Run all cells in one namespace; return what each printed (and the error that ended it)."""
    space: dict[str, Any] = {"__name__": "__main__"}
    printed: list[str] = []
    for cell in notebook.cells:
        text, failed = _run(cell.source, space, cell.id)
        printed.append(text)
        if failed:
            break
    return printed


def run_pipeline(notebook: Notebook, seed: int) -> list[str]:
    """Compile and run task by task in an order drawn with ``seed``."""
    dag = compile_notebook(notebook)
    assert not has_errors(dag.diagnostics), [d.text() for d in dag.diagnostics]
    return _Pipeline(notebook, dag, random.Random(seed)).run()


def _run(source: str, space: dict[str, Any], name: str) -> tuple[str, bool]:
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(source, name, "exec"), space)
    except Exception as error:
        return f"{out.getvalue()}{type(error).__name__}: {error}", True
    return out.getvalue(), False


class _Pipeline:
    def __init__(self, notebook: Notebook, dag: Dag, rng: random.Random) -> None:
        self.cells = {cell.id: cell.source for cell in notebook.cells}
        self.order = [cell.id for cell in notebook.cells]
        self.dag = dag
        self.rng = rng
        self.bundles: dict[tuple[str, str], bytes] = {}
        self.states: dict[tuple[str, str], Any] = {}
        self.units = {unit.id: unit for unit in dag.code}
        self.kernels: dict[str, dict[str, Any]] = {}
        self.held: dict[str, dict[str, set[str]]] = {}
        self.done_units: dict[str, set[str]] = {}
        self.printed: dict[str, str] = {}

    def run(self) -> list[str]:
        waiting = {task.name: set(self.dag.upstream(task.name)) for task in self.dag.tasks}
        done: set[str] = set()
        while waiting:
            ready = sorted(name for name, needs in waiting.items() if needs <= done)
            assert ready, f"stuck: {waiting}"
            name = self.rng.choice(ready)
            del waiting[name]
            if not self.task(self.dag.task(name)):
                break
            done.add(name)
        return [self.printed[cell] for cell in self.order if cell in self.printed]

    def task(self, task: Task) -> bool:
        key = task.group or task.name
        space = self.kernels.setdefault(key, {"__name__": "__main__"})
        held = self.held.setdefault(key, {})
        ran = self.done_units.setdefault(key, set())
        _lazy.clear()
        first = self.order.index(task.cells[0])
        for unit in self.dag.code:
            if self.order.index(unit.cell) < first:
                _lazy.update(dict.fromkeys(unit.binds, unit.source))
        for replay in task.replays:
            if (replay.unit or replay.cell) not in ran:
                self.replay(replay, space)
                ran.add(str(replay.unit or replay.cell))
        self.load(task, task.inputs, space, held)
        for state in task.ambient_inputs:
            value = next((self.states[s, state.name] for s in state.sources), None)
            if value is not None:
                random.setstate(value)
        for cell in task.cells:
            text, failed = _run(self.cells[cell], space, cell)
            self.printed[cell] = text
            ran.update(u.id for u in self.dag.code if u.cell == cell)
            if failed:
                return False
        for state in task.ambient_outputs:
            self.states[task.name, state] = random.getstate()
        for name in (*task.binds, *task.outputs, *task.mutates_inputs):
            if name in task.handed_on:
                held.setdefault(name, set()).add(task.name)
            else:
                held[name] = {task.name}
        self.store(task, space)
        return True

    def replay(self, replay: Replay, space: dict[str, Any]) -> None:
        for one in replay.inputs:
            space[one.name] = self.value([one], space)[one.name]
        if replay.unit is not None:
            unit = self.units[replay.unit]
            source = "\n" * (unit.first_line - 1) + unit.source
        else:
            source = self.cells[replay.cell or ""]
        text, failed = _run(source, space, replay.unit or replay.cell or "")
        assert not failed, text

    def load(
        self, task: Task, inputs: Any, space: dict[str, Any], held: dict[str, set[str]]
    ) -> None:
        wanted = [
            i for i in inputs
            if not (task.group and (self.holder(i) or i.sources[0]) in held.get(i.name, set()))
        ]  # fmt: skip
        space.update(self.value(wanted, space))
        held.update({one.name: {self.holder(one)} for one in wanted})

    def holder(self, wanted: Any) -> str:
        return next((s for s in wanted.sources if (s, wanted.name) in self.bundles), "")

    def value(self, inputs: Any, space: dict[str, Any]) -> dict[str, Any]:
        loaded: dict[bytes, dict[str, Any]] = {}
        result: dict[str, Any] = {}
        for one in inputs:
            for source in one.sources:
                bundle = self.bundles.get((source, one.name))
                if bundle is not None:
                    if bundle not in loaded:
                        loaded[bundle] = _Unpickler(io.BytesIO(bundle), space).load()
                    result[one.name] = loaded[bundle][one.name]
                    break
            else:
                assert one.optional, f"nobody stored {one}"
        return result

    def store(self, task: Task, space: dict[str, Any]) -> None:
        names = [n for n in (*task.outputs, *task.optional_outputs) if n in space]
        for together in _sharing({n: space[n] for n in names}):
            buffer = io.BytesIO()
            try:
                _Pickler(buffer, space).dump({n: space[n] for n in together})
            except (TypeError, AttributeError, RecursionError, pickle.PicklingError):
                if not task.group:
                    raise
                continue
            for name in together:
                self.bundles[task.name, name] = buffer.getvalue()


def _sharing(values: dict[str, Any]) -> list[list[str]]:
    """Group the names whose values reach a common changeable object."""
    groups: list[tuple[set[int], list[str]]] = []
    for name, value in values.items():
        ids, names = _reachable(value), [name]
        for other in [g for g in groups if g[0] & ids]:
            groups.remove(other)
            ids |= other[0]
            names = other[1] + names
        groups.append((ids, names))
    return [names for _, names in groups]


_OPAQUE = (
    type, types.ModuleType, types.BuiltinFunctionType, types.GeneratorType, str, int, float,
)  # fmt: skip


def _reachable(value: Any) -> set[int]:
    found: set[int] = set()
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, _OPAQUE):
            continue
        if id(one) not in found:
            found.add(id(one))
            if isinstance(one, types.FunctionType):
                stack.extend(cell.cell_contents for cell in one.__closure__ or ())
                if one.__closure__ is None:
                    found.discard(id(one))
            else:
                stack.extend(gc.get_referents(one))
    return found - {id(None), id(()), id(True), id(False)}


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, space: dict[str, Any]) -> None:
        super().__init__(file, protocol=5)
        self.space = space

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.FunctionType) and obj.__module__ == "__main__":
            if "<locals>" not in obj.__qualname__ and self.space.get(obj.__name__) is obj:
                return _by_name, (obj.__name__,)
            code = marshal.dumps(obj.__code__)
            cells = tuple(cell.cell_contents for cell in obj.__closure__ or ())
            return _by_code, (code, obj.__defaults__, cells)
        if isinstance(obj, type) and obj.__module__ == "__main__":
            return _by_name, (obj.__name__,)
        if isinstance(obj, types.ModuleType):
            return __import__, (obj.__name__,)
        return NotImplemented


_target: dict[str, Any] = {}
_lazy: dict[str, str] = {}
"""Code above the task, by name: run only if a stored value turns out to need it."""


def _by_name(name: str) -> Any:
    if name not in _target:
        exec(_lazy[name], _target)
    return _target[name]


def _by_code(code: bytes, defaults: Any, cells: tuple[Any, ...]) -> Any:
    closure = tuple(types.CellType(value) for value in cells)
    return types.FunctionType(marshal.loads(code), _target, None, defaults, closure or None)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, space: dict[str, Any]) -> None:
        super().__init__(file)
        self.space = space

    def load(self) -> Any:
        global _target
        _target = self.space
        return super().load()
