"""Values handed from one kernel to another: identity, views, code, and what can't be stored."""

import json

import pytest

from nbflow.model.attempt import ReplayStep
from nbflow.model.ids import CellId


def hand_over(kernel, make, use, names, **fields):
    """Store ``names`` in one kernel, load them in another; return what the use prints."""
    stored = kernel.run(make, outputs=tuple(names))
    assert stored.answers["collect"]["ok"], stored.answers["collect"]
    assert stored.answers["collect"]["unstorable"] == {}
    used = kernel.run(use, loads=stored.values.values(), **fields)
    assert used.answers["load"]["ok"], used.answers["load"]
    return used.texts[0].strip()


SAME = [
    ("a = [1]; b = a", "a b", "b.append(2); print(a, a is b)", "[1, 2] True"),
    ("a = [1]; box = {'a': a}", "a box", "a.append(2); print(box)", "{'a': [1, 2]}"),
    ("a = 'some text here'; b = a", "a b", "print(a is b)", "True"),
    ("a = 12345; b = a", "a b", "print(a is b)", "True"),
    ("p = (1, 2); ps = [p]", "p ps", "print(ps[0] is p)", "True"),
    ("a = []; a.append(a)", "a", "print(a[0] is a)", "True"),
    ("import types\nn = types.SimpleNamespace(); n.me = n; n.box = box = []", "n box",
     "box.append(1); print(n.box, n.me is n)", "[1] True"),
    ("import numpy as np\na = np.arange(6); v = a[1:4]", "a v",
     "v[0] = 99; print(a, v.base is a, a.flags.owndata)", "[ 0 99  2  3  4  5] True True"),
    ("import numpy as np\na = np.arange(6.); c = [a, a[::2]]", "a c",
     "c[1][0] = 7; print(a, c[0] is a)", "[7. 1. 2. 3. 4. 5.] True"),
    ("import numpy as np\na = np.arange(6).reshape(2, 3).T", "a",
     "print(a.flags.owndata, a.base.shape, a.strides)", "False (6,) (8, 24)"),
    ("import numpy as np\na = np.zeros((600, 600)); v = a[5:9, ::2]", "a v",
     "v[:] = 1; print(a.sum(), np.shares_memory(a, v))", "1200.0 True"),
    ("import numpy as np\nbig = np.arange(1e6); small = big[3:6]; del big", "small",
     "print(small, small.base)", "[3. 4. 5.] None"),
    ("import numpy as np\na = np.array([1, 'x', None], dtype=object); v = a[::2]", "a v",
     "v[0] = 5; print(a, np.shares_memory(a, v))", "[5 'x' None] True"),
    ("import numpy as np\na = np.arange(3); a.flags.writeable = False", "a",
     "print(a.flags.writeable, a)", "False [0 1 2]"),
    ("import numpy as np\na = np.zeros(300_000); a.flags.writeable = False", "a",
     "print(a.flags.writeable, a.size)", "False 300000"),
    ("import numpy as np\na = np.arange(400_000).astype('M8[D]')", "a",
     "a[0] = np.datetime64('2020-01-01'); print(a[:2], a.dtype)",
     "['2020-01-01' '1970-01-02'] datetime64[D]"),
    ("import numpy as np\na = np.asfortranarray(np.ones((400, 500)))", "a",
     "a += 1; print(a.flags.f_contiguous, a.sum())", "True 400000.0"),
    ("import pandas as pd\ndf = pd.DataFrame({'x': range(3)}); d2 = df", "df d2",
     "d2['y'] = 1; print(list(df), df is d2)", "['x', 'y'] True"),
    ("import pandas as pd\ndf = pd.DataFrame({'x': [1., 2.]}); d2 = df[:]; s = df['x']", "df d2 s",
     "d2.loc[0, 'x'] = 9; s.iloc[1] = 8; df.loc[0, 'x'] = 7; print(df.x.tolist(), d2.x.tolist(), s.tolist())",
     "[7.0, 2.0] [9.0, 2.0] [1.0, 8.0]"),
    ("import pandas as pd\ndf = pd.DataFrame({'x': ['a', None]}); df.attrs['k'] = 1; df.y = [2]", "df",
     "print(df.attrs, df.x.isna().tolist(), df.y, list(df))", "{'k': 1} [False, True] [2] ['x']"),
    (("import matplotlib.pyplot as plt\n"
     "fig, ax = plt.subplots(); fig.dpi = 40; n = fig.canvas.mpl_connect('draw_event', print)"), "fig ax n",
     "print(fig.canvas.mpl_connect('draw_event', id) - n, ax.figure is fig, fig.dpi)", "1 True 40"),
    ("import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); im = ax.imshow([[0, 1]]); bar = fig.colorbar(im)",
     "fig im bar", "im.set_clim(0, 8); print(bar.vmax, bar.ax.get_ylim()[1], im.norm is bar.norm)", "8.0 8.0 True"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "names", "use", "printed"), SAME)
def test_what_is_one_object_stays_one_object(kernel, make, names, use, printed):
    imports = "\n".join(line for line in make.splitlines() if line.startswith("import"))
    assert hand_over(kernel, make, f"{imports}\n{use}", names.split()) == printed


def test_names_that_share_nothing_get_bundles_of_their_own(kernel):
    made = (
        "import pandas as pd, numpy as np\ndf = pd.DataFrame({'x': [1., 2.], 's': ['a', 'b']})\n"
        "d2 = df[df.x > 1]\nd3 = df.copy()\na = np.zeros(3)\nn = 1\nm = 1\nflag = True\nother = True\n"
        "l = [1, 'x']\nk = [1, 'x']"
    )
    names = ["df", "d2", "d3", "a", "n", "m", "flag", "other", "l", "k"]
    done = kernel.run(made, outputs=tuple(names))
    bundles = [done.values[name].bundle for name in ("df", "d2", "d3", "a", "l")]
    assert len(set(bundles)) == len(bundles)
    assert all(done.values[name].key == name for name in names)


CODE = [
    ("def f(): return k\nk = 1\nfs = [f]", "fs", ["def f(): return k"], "k = 2; print(fs[0](), fs[0] is f)",
     "2 True"),
    ("k = 1\nfs = [lambda: k]", "fs", [], "k = 2; print(fs[0]())", "2"),
    ("class A:\n    def m(self): return k\na = A(); a.x = 1", "a", ["class A:\n    def m(self): return k"],
     "k = 5; print(isinstance(a, A), a.m(), a.x)", "True 5 1"),
    (("def make():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n        return n\n"
     "    def get(): return n\n    return inc, get\ninc, get = make()"), "inc get", [],
     "inc(); inc(); print(get())", "2"),
    ("def outer():\n    def fact(n): return 1 if n < 2 else n * fact(n - 1)\n    return fact\nf = outer()", "f",
     [], "print(f(5))", "120"),
    ("def outer():\n    def f(a, b=[1], *, c={'k': 2}) -> int: return a, b, c\n    f.note = 'n'\n    return f\ng = outer()",
     "g", [], "print(g(0), g.note, g.__annotations__, g.__qualname__)",
     "(0, [1], {'k': 2}) n {'return': <class 'int'>} outer.<locals>.f"),
    ("import functools\ndef f(a, b): return a + b\np = functools.partial(f, 1)", "p",
     ["def f(a, b): return a + b"], "print(p(2), p.func is f)", "3 True"),
    ("class A:\n    def m(self): return self\na = A(); m = a.m", "a m",
     ["class A:\n    def m(self): return self"], "print(m() is a)", "True"),
    ("def make():\n    class C:\n        k = 1\n        def get(self): return self.k, late\n    return C\nC = make(); c = C()",
     "C c", [], "late = 3; print(c.get(), isinstance(c, C))", "(1, 3) True"),
    ("from collections import namedtuple\nP = namedtuple('P', 'x y'); p = P(1, 2)", "p",
     ["from collections import namedtuple\nP = namedtuple('P', 'x y')"],
     "print(p, isinstance(p, P))", "P(x=1, y=2) True"),
    ("from enum import Enum\nclass E(Enum):\n    A = 1\ne = [E.A]", "e",
     ["from enum import Enum\nclass E(Enum):\n    A = 1"], "print(e[0] is E.A)", "True"),
    ("from dataclasses import dataclass\n@dataclass\nclass D:\n    x: int\nd = D(1)", "d",
     ["from dataclasses import dataclass\n@dataclass\nclass D:\n    x: int"], "print(d == D(1))", "True"),
    ("import math, logging, re\nv = [math, logging.getLogger('x'), re.compile('a+'), math.sin]", "v", [],
     "import math, logging; print(v[0] is math, v[1] is logging.getLogger('x'), v[2].pattern, v[3] is math.sin)",
     "True True a+ True"),
    ("import numpy as np\nv = [np.sin, np.float64, np.vectorize(lambda x: x + 1)]", "v", [],
     "import numpy as np; print(v[0] is np.sin, v[1] is np.float64, v[2]([1]))", "True True [2]"),
    ("import functools\n@functools.lru_cache\ndef f(): return 3\nv = [f]", "v",
     ["import functools\n@functools.lru_cache\ndef f(): return 3"], "print(v[0] is f, v[0]())", "True 3"),
    ("def f(): return 1\nold = [f]\ndef f(): return 2", "old", ["def f(): return 2"], "print(old[0](), f())", "1 2"),
    ("class Node:\n    next = None\nhead = Node()\nn = head\nfor _ in range(20000):\n    n.next = Node(); n = n.next\nn = None",
     "head", ["class Node:\n    next = None"],
     "c = 0\nwhile head: head = head.next; c += 1\nprint(c)", "20001"),
    ("%%time\nclass A: pass\na = A()", "a", ["%%time\nclass A: pass"], "print(isinstance(a, A))", "True"),
    ("d = {}\nv = [d.keys(), property(lambda s: late), staticmethod(len)]", "v", [], "print(type(v[0]).__name__)",
     "dict_keys"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "names", "replays", "use", "printed"), CODE)
def test_code_inside_values_means_the_same_in_the_next_kernel(
    kernel, replay, make, names, replays, use, printed
):
    steps = tuple(replay(source, unit=str(n)) for n, source in enumerate(replays))
    assert hand_over(kernel, make, use, names.split(), replays=steps) == printed


def test_a_definition_that_nobody_replayed_is_replayed_when_a_value_needs_it(kernel, replay):
    stored = kernel.run("class A:\n    k = 7\na = [A()]", outputs=("a",))
    lazy = {
        "A": replay("class A(abc.ABC, Bad if 0 else object):\n    k = 7\nprint('loud')"),
        "abc": replay("import abc"),
        "Bad": replay("Bad = 1 / 0"),
    }
    used = kernel.run("print(a[0].k, isinstance(a[0], A))", loads=stored.values.values(), lazy=lazy)
    assert used.texts == ["7 True\n"]


def test_a_value_whose_class_nobody_defines_names_value_and_class(kernel):
    stored = kernel.run("class A: pass\na = A()", outputs=("a",))
    answer = kernel.run(loads=stored.values.values(), calls=()).answers["load"]
    assert not answer["ok"]
    assert "'a'" in answer["error"]["message"]
    assert "'A'" in answer["error"]["message"]


UNSTORABLE = [
    ("v = (i for i in range(3))", "generator"),
    ("v = iter([1, 2])", "list_iterator"),
    ("v = zip([1], [2])", "zip"),
    ("v = {'f': open('/dev/null')}", "dict: "),
    ("import threading\nv = threading.Lock()", "lock"),
    ("import socket\nv = socket.socket()", "socket.socket"),
    ("import sqlite3\nv = sqlite3.connect(':memory:')", "sqlite3.Connection"),
    ("class R:\n    def __reduce__(self): raise ValueError('no thanks')\nv = R()", "R: no thanks"),
    ("import mmap\nv = mmap.mmap(-1, 10)", "mmap.mmap"),
    ("import types\nv = types.ModuleType('made_up')", "module"),
]


@pytest.mark.fault(40)
@pytest.mark.parametrize(("make", "words"), UNSTORABLE)
def test_what_cannot_be_stored_is_named_and_hinders_nothing_else(kernel, make, words):
    done = kernel.run(f"{make}\nfine = [1]", outputs=("v", "fine"))
    answer = done.answers["collect"]
    assert answer["ok"]
    assert words in answer["unstorable"]["v"]
    assert list(done.values) == ["fine"]


def test_unbound_sure_outputs_are_reported_and_optional_ones_left_out(kernel):
    done = kernel.run("a = 1", outputs=("a", "b"), optional_outputs=("c",))
    assert done.answers["collect"]["missing"] == ["b"]
    assert list(done.values) == ["a"]


def test_a_loaded_figure_is_not_shown_a_second_time(kernel):
    make = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); ax.plot([1, 2])"
    use = "import matplotlib.pyplot as plt; print(plt.get_fignums(), fig.axes[0] is ax, len(ax.lines))"
    assert hand_over(kernel, make, use, ["fig", "ax"]) == "[] True 1"


def test_arrays_of_a_class_of_the_page_keep_their_attributes(kernel):
    define = """
import numpy as np
class Length(np.ndarray):
    def __new__(cls, data, unit=None):
        made = np.asarray(data).view(cls)
        made.unit = unit
        return made
    def __array_finalize__(self, other):
        self.unit = getattr(other, "unit", None)
"""
    cell = {"cell": "c1", "first_line": 1, "source": define, "unit": "c1"}
    printed = hand_over(
        kernel, define + "a = Length([1., 2.], 'm')", "print(a.unit, (a * 2).unit, a.sum())", ["a"],
        replays=(ReplayStep(**{**cell, "cell": CellId("c1")}),),
    )  # fmt: skip
    assert printed == "m m 3.0"


def test_a_caught_exception_keeps_its_cause_and_needs_no_arguments(kernel):
    define = """
class Short(Exception):
    def __init__(self, need, have):
        super().__init__(f"{need} > {have}")
        self.need = need
"""
    make = """
try:
    try:
        1 / 0
    except ZeroDivisionError as problem:
        raise Short(3, 2) from problem
except Short as problem:
    kept = problem
try:
    raise KeyError("k") from None
except KeyError as problem:
    plain = problem
"""
    step = ReplayStep(cell=CellId("c1"), first_line=1, source=define, unit="c1")
    printed = hand_over(
        kernel, define + make,
        "print(kept, kept.need, repr(kept.__cause__), isinstance(kept, Short), repr(plain), plain.__suppress_context__)",
        ["kept", "plain"], replays=(step,),
    )  # fmt: skip
    assert printed == "3 > 2 3 ZeroDivisionError('division by zero') True KeyError('k') True"


def test_a_set_keeps_its_order(kernel):
    sentence = "a quick brown fox jumps over the lazy dog and runs away from every cat it meets"
    words = f"words = set({sentence!r}.split())"
    environment = {"PYTHONHASHSEED": "0"}
    stored = kernel.run(words + "; print(words)", outputs=("words",), env=environment)
    used = kernel.run("print(words)", loads=stored.values.values(), env=environment)
    assert used.texts == stored.texts


def test_generators_of_random_numbers_and_the_directory_go_on_where_they_were(kernel):
    make = "import random, numpy as np, os\nrandom.seed(1); np.random.seed(2); np.random.randn(); os.mkdir('sub'); os.chdir('sub')"
    after = "import random, numpy as np, os\nprint(random.random(), np.random.randn(3), os.path.basename(os.getcwd()))"
    states = ("random", "numpy.random", "cwd")
    made = kernel.run(make, ambient_outputs=states)
    used = kernel.run(after, ambient_loads=made.ambient.values())
    (kernel.folder / "sub").rmdir()
    plain = kernel.run(make, after)
    assert used.texts[0] == plain.texts[1]


GUARD = [
    ("x = [1, 2]", "len(x)", False),
    ("x = [1, 2]", "x.append(3)", True),
    ("x = [1, 2]", "x = 3", False),
    ("import numpy as np; x = np.zeros(10)", "x[0] = 1", True),
    ("import numpy as np; x = np.zeros(300_000)", "x.sum()", False),
    ("import numpy as np; x = np.zeros(300_000)", "x[5] = 1", True),
    ("import pandas as pd; x = pd.DataFrame({'a': [1]}); x['b'] = 2.; x['c'] = 3", "x.describe(); x.values", False),
    ("import pandas as pd; x = pd.DataFrame({'a': [1]})", "x['b'] = 1", True),
    ("x = {'b', 'a', 'c'}", "sorted(x)", False),
]  # fmt: skip


@pytest.mark.parametrize(("make", "use", "is_changed"), GUARD)
def test_the_guard_reports_changed_inputs_and_only_those(kernel, make, use, is_changed):
    stored = kernel.run(make, outputs=("x",))
    used = kernel.run(use, loads=stored.values.values(), guarded=("x",))
    assert used.answers["collect"]["changed"] == (["x"] if is_changed else [])


STATEFUL = [
    ("def f(): pass\nf.calls = 1", "f"),
    ("def f(x, seen=[]): seen.append(x)\nf(1)", "f"),
    ("class A:\n    count = 0\nA.count += 1", "A"),
    ("class A: pass\nA.extra = 1", "A"),
    ("class A:\n    def m(self): return 1\nA.n = lambda self: 2", "A"),
    ("import functools\n@functools.lru_cache\ndef f(): return 1\nf()", "f"),
    ("def f(x, seen=[], *, k={'a': 1}): '''doc'''\ndef g(): pass", None),
    ("class A:\n    '''doc'''\n    n: int = 1\n    __slots__ = ('x',)\n    def m(self): pass\n    q = property(m)", None),
    ("from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def m(self): ...\nclass B(A):\n    def m(self): return 1", None),
    ("import functools\n@functools.lru_cache\ndef f(): return 1", None),
    ("from typing import Generic, TypeVar, Protocol\nT = TypeVar('T')\nclass G(Generic[T]):\n    x: T\nclass P(Protocol):\n    def m(self): ...", None),
    ("class B:\n    def __init_subclass__(cls): cls.made = 1\nclass A(B): pass", None),
    ("class E(Exception): pass\nclass I(int):\n    def __new__(cls): return super().__new__(cls, 1)", None),
]  # fmt: skip


@pytest.mark.parametrize(("make", "name"), STATEFUL)
def test_code_that_changed_after_its_definition_is_reported(kernel, make, name):
    found = kernel.run(make).answers["collect"]["stateful_code"]
    assert list(found) == ([name] if name else [])


@pytest.mark.abuse(21)
def test_previews_run_no_code_of_the_page(kernel):
    make = (
        "import pandas as pd, numpy as np\n"
        "class A:\n    def __repr__(self): open('ran', 'w'); return ''\n"
        "a = A(); l = [A()]; n = 3; t = ('x', 1.5, None); df = pd.DataFrame({'x': [1, 2], 'o': [A(), A()]})\n"
        "arr = np.arange(3); inf = float('inf'); long = 'x' * 9999"
    )
    names = ["a", "l", "n", "t", "df", "arr", "inf", "long"]
    values = kernel.run(make, outputs=tuple(names)).values
    shown = {k: v.preview and json.loads(v.preview) for k, v in values.items()}
    assert not (kernel.folder / "ran").exists()
    assert shown["a"] is None
    assert shown["l"] is None
    assert shown["n"] == 3
    assert shown["t"] == ["x", 1.5, None]
    assert shown["df"]["head"] == {"columns": ["x", "o"], "data": [[1, "(A)"], [2, "(A)"]]}
    assert shown["arr"] == {"shape": [3], "dtype": "int64", "values": [0, 1, 2]}
    assert shown["inf"] == "inf"
    assert len(shown["long"]) == 201
    assert values["df"].type.startswith("pandas.")
