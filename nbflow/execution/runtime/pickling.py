"""Pickle as notebooks need it: code of the page by reference, other code by value, arrays and
figures with care, and a clear word for what can't be stored.
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import pickle
import sys
import threading
import types
from typing import Any, Callable, Iterable

from . import arrays, exceptions, figures, frames, functions, sets
from .code_names import CodeNames
from .state import attempt, namespace

_HEAP_TYPE = 1 << 9
_DEEP = 400 << 20


class UnstorableError(Exception):
    """The value, or something in it, can't be stored; ``kind`` is its type in words."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"can't store {kind}")
        self.kind = kind


class Pickled:
    """A pickled value: the stream, its out-of-band buffers, and what it was made of."""

    def __init__(self, stream: bytes, pickler: ValuePickler, root_value: Any) -> None:
        self.stream = stream
        self.buffers = pickler.buffers
        self.extents = pickler.extents
        self._pickler = pickler
        self._ignored = pickler.ignored
        self._value = root_value
        self.code_names = pickler.code_names
        """Names of the page's definitions that it refers to."""

    @functools.cached_property
    def _memo(self) -> dict[int, Any]:
        """All objects that the pickle refers to, by id; the pickler keeps them alive."""
        return {key: item[1] for key, item in self._pickler.memo.copy().items()}

    @property
    def raw_buffers(self) -> list[memoryview]:
        """The buffers as flat bytes."""
        return [buffer.raw() for buffer in self.buffers]

    def shareable(self) -> set[int]:
        """Return the ids of the objects in it that can change."""
        ignored = self._ignored
        return {key for key, one in self._memo.items() if key not in ignored and _can_change(one)}

    def is_fixed(self, value: Any) -> bool:
        """Tell whether Python itself, or a replay, gives everybody this same object."""
        if id(value) in self._ignored or isinstance(value, (type, types.ModuleType)):
            return True
        if value is None or type(value) is bool or (type(value) in (str, bytes) and len(value) < 2):
            return True
        return type(value) is int and -6 < value < 257

    def contains(self, key: int) -> bool:
        """Tell whether the object of this id is part of the value."""
        return key in self._memo


_FIXED = frozenset(
    {
        str,
        bytes,
        int,
        float,
        complex,
        bool,
        type(None),
        tuple,
        frozenset,
        range,
        slice,
        type,
        types.BuiltinFunctionType,
        types.ModuleType,
        types.CodeType,
        type(Ellipsis),
    }
)
_CODE_TYPES = frozenset(
    {"cython_function_or_method", "fused_cython_function", "_ArrayFunctionDispatcher",
     "method_descriptor", "wrapper_descriptor", "getset_descriptor", "ufunc"}
)  # fmt: skip
_FIXED_MODULES = frozenset(
    {"datetime", "decimal", "fractions", "uuid", "re", "pathlib", "zoneinfo"}
)


def _can_change(value: Any) -> bool:
    kind = type(value)
    if kind in _FIXED or isinstance(value, type):
        return False
    if (
        kind.__name__ in _CODE_TYPES
        or kind.__module__ in _FIXED_MODULES
        or frames.is_immutable(value)
    ):
        return False
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.dtype, numpy.generic, numpy.ufunc)):
        return False
    enum = sys.modules["enum"]
    return not isinstance(value, enum.Enum)


class ValuePickler(pickle.Pickler):
    """Pickles one value or several that share objects. ``kept_roots`` are ids of arrays that views
    are stored through whatever their size.
    """

    def __init__(self, file: Any, names: CodeNames, kept_roots: set[int]) -> None:
        self.buffers: list[pickle.PickleBuffer] = []
        super().__init__(file, protocol=5, buffer_callback=self._take_buffer)
        self.names = names
        self.kept_roots = kept_roots
        self.extents: list[arrays.Extent] = []
        self.ignored: set[int] = set()
        self.code_names: set[str] = set()
        self.unshared: set[int] = set()
        self.keep: list[Any] = []
        self._array = arrays.array_type()
        self._figure = getattr(sys.modules.get("matplotlib.figure"), "Figure", None)
        self._cloudpickle = _cloudpickle()

    def _take_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a large buffer out of the stream; a true value keeps a small one in it."""
        view = buffer.raw()
        if view.nbytes <= arrays.SMALL:
            return True
        self.buffers.append(buffer)
        return False

    def reducer_override(self, value: Any) -> Any:
        """Say how a value is stored where pickle's own way would not do."""
        kind = type(value)
        if kind is self._array and self._array is not None:
            return self._reduce_array(value)
        if self._array is not None and arrays.loses_attributes(kind, value, self._array):
            return arrays.reduce_with_attributes(value)
        if kind is types.FunctionType or isinstance(value, type):
            return self._reduce_code(value)
        if isinstance(value, BaseException):
            return exceptions.reduce_exception(value)
        name = self.names.name_of(value)
        if name is not None:
            return self._by_name(name, value)
        if kind.__name__ in _GENERATORS:
            place = _global_generator(value)
            if place is not None:
                self.ignored.add(id(value))
                return module_attribute, place
        if frames.is_block(kind):
            return frames.reduce_block(value, self.keep, self.unshared)
        own = frames.own_attributes(value)
        if own:
            function, arguments, state, *rest = value.__reduce_ex__(5)
            return (function, arguments, {**state, **own}, *rest)
        if kind.__name__ == "CallbackRegistry" and kind.__module__ == "matplotlib.cbook":
            return figures.reduce_callbacks(value)
        self.ignored.add(id(frames.list_of_class(kind)))
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(value)
        if self._figure is not None and isinstance(value, self._figure):
            return figures.reduce_figure(value)
        if hasattr(kind, "__next__") and not kind.__flags__ & _HEAP_TYPE:
            raise UnstorableError(f"{kind.__name__} (an iterator has a position)")
        return self._reduce_by_cloudpickle(kind, value)

    def _by_name(self, name: str, value: Any) -> Any:
        self.ignored.add(id(value))
        self.code_names.add(name)
        return main_name, (name,)

    def _reduce_by_cloudpickle(self, kind: type, value: Any) -> Any:
        if self._cloudpickle is None or issubclass(kind, io.IOBase):
            return NotImplemented
        reduce = self._cloudpickle.CloudPickler._dispatch_table.get(kind)
        return reduce(value) if reduce is not None else NotImplemented

    def _reduce_array(self, array: Any) -> Any:
        if id(array) in self.unshared:
            return arrays.reduce_owner(array)
        root = arrays.root_of(array)
        if not array.dtype.hasobject or root is not array:
            self.extents.append(arrays.extent(array, root))
        if arrays.is_view(array, root, self.kept_roots):
            return arrays.reduce_view(array, root)
        return arrays.reduce_owner(array)

    def _reduce_code(self, value: Any) -> Any:
        name = self.names.name_of(value)
        if name is not None:
            return self._by_name(name, value)
        if is_importable(value):
            self.ignored.add(id(value))
            return NotImplemented
        if isinstance(value, type):
            if self._cloudpickle is None:
                raise UnstorableError(f"class {value.__name__} (cloudpickle is not installed)")
            return self._cloudpickle._class_reduce(value)
        return functions.reduce_function(value)


_GENERATORS = frozenset({"Random", "RandomState"})


def _global_generator(value: Any) -> tuple[str, str] | None:
    """Return where the process-wide generator of random numbers stands, if the value is one: an
    object made without a seed refers to it and goes on drawing from it.
    """
    for module, attribute in (("random", "_inst"), ("numpy.random.mtrand", "_rand")):
        if value is getattr(sys.modules.get(module), attribute, None):
            return module, attribute
    return None


def module_attribute(module: str, attribute: str) -> Any:
    """Return what a module holds under a name; pickles call this."""
    return getattr(importlib.import_module(module), attribute)


def is_importable(value: Any) -> bool:
    """Tell whether a class or function is found under its name in a module other than the page."""
    module = getattr(value, "__module__", None)
    if module == "__main__" or not isinstance(module, str):
        return False
    found: Any = sys.modules.get(module)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
        if found is None:
            return False
    return found is value


def _cloudpickle() -> Any:
    try:
        return importlib.import_module("cloudpickle.cloudpickle")
    except ImportError:
        return None


def main_name(name: str) -> Any:
    """Return what the page calls ``name``, replaying its definition if that has not run yet."""
    held = namespace()
    if name not in held and not attempt.define_lazily(name):
        raise pickle.UnpicklingError(f"the stored value needs {name!r}, which is not defined here")
    return held[name]


def main_module() -> Any:
    """Return the page's own module."""
    return sys.modules["__main__"]


def _reduce_module(module: Any) -> Any:
    if module is main_module():
        return main_module, ()
    name = module.__name__
    if sys.modules.get(name) is module:
        return importlib.import_module, (name,)
    raise UnstorableError(f"module {name} (it can't be imported)")


def _reduce_memoryview(view: memoryview) -> Any:
    if view.obj is not None and view.nbytes == memoryview(view.obj).nbytes and view.format == "B":
        return memoryview, (view.obj,)
    raise UnstorableError("memoryview (of a part)")


def _reduce_cell(_cell: Any) -> Any:
    return functions.make_cell, ()


def _refuse_file(file: Any) -> Any:
    raise UnstorableError(f"{type(file).__name__} (an open file)")


_SPECIAL: dict[type, Callable[[Any], Any]] = {
    types.ModuleType: _reduce_module,
    types.CellType: _reduce_cell,
    memoryview: _reduce_memoryview,
    io.TextIOWrapper: _refuse_file,
    io.BufferedReader: _refuse_file,
    io.BufferedWriter: _refuse_file,
    io.BufferedRandom: _refuse_file,
    io.FileIO: _refuse_file,
}


def dump(value: Any, names: CodeNames, kept_roots: Iterable[int] = ()) -> Pickled:
    """Pickle a value. Raises UnstorableError, or what the value's own reduction raises."""
    roots = set(kept_roots)

    def work() -> Pickled:
        file = io.BytesIO()
        pickler = ValuePickler(file, names, roots)
        pickler.dump(value)
        _dump_orders(pickler)
        return Pickled(file.getvalue(), pickler, value)

    try:
        return work()
    except RecursionError:
        return _on_a_deep_stack(work)


def _dump_orders(pickler: ValuePickler) -> None:
    """Add a second pickle: the sets in the first one that need help to keep their order."""
    pickled = [item[1] for item in pickler.memo.copy().values()]
    plans = [(one, sets.plan(one)) for one in pickled if type(one) is set and len(one) > 1]
    plans = [(one, plan) for one, plan in plans if plan is not None]
    if plans:
        pickler.dump(plans)


def _on_a_deep_stack(work: Callable[[], Pickled]) -> Pickled:
    """Run ``work`` where very deep structures (a linked list, say) can be followed."""
    done: list[Pickled] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as problem:
            problems.append(problem)

    limit, size = sys.getrecursionlimit(), threading.stack_size(_DEEP)
    try:
        sys.setrecursionlimit(1_000_000)
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(size)
    thread.join()
    sys.setrecursionlimit(limit)
    if problems:
        raise problems[0]
    return done[0]


def load(stream: Any, buffers: Iterable[Any]) -> Any:
    """Unpickle what `dump` made; only ever called in a kernel, on a bundle that was checked."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        file = io.BytesIO(stream)
        unpickler = pickle.Unpickler(file, buffers=buffers)
        value = unpickler.load()
        if file.tell() < len(stream):
            for one, plan in unpickler.load():
                sets.fill(one, plan)
        return value
    finally:
        if is_collecting:
            gc.enable()
