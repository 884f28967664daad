"""Rule by rule: which events a cell gives, in the order they happen."""

from collections.abc import Sequence

import pytest

from nbflow.compiler.analysis import Analyser
from nbflow.compiler.effects import (
    Ambient,
    Bind,
    CellAnalysis,
    Delete,
    Event,
    File,
    Mutate,
    NameInfo,
    Opaque,
    Read,
    SetOption,
)


def analyse(*cells: str) -> CellAnalysis:
    """Analyse cells in page order and return the last one's analysis."""
    analyser, names = Analyser(), dict[str, NameInfo]()
    result = CellAnalysis()
    for cell in cells:
        result = analyser.analyse(cell, names)
        for name, info in result.exports.items():
            if info is None:
                names.pop(name, None)
            else:
                names[name] = info
    return result


def words(events: Sequence[Event]) -> list[str]:
    """Write events as short words."""
    found = []
    for event in events:
        match event:
            case Read():
                found.append(f"read {event.name}")
            case Bind():
                sure = "" if event.sure else "?"
                shares = f" <- {','.join(sorted(event.shares))}" if event.shares else ""
                live = f" ({event.live})" if event.live else ""
                found.append(f"bind{sure} {event.name}{shares}{live}")
            case Mutate():
                found.append(f"mutate{'' if event.sure else '?'} {event.name}")
            case Delete():
                found.append(f"delete{'' if event.sure else '?'} {event.name}")
            case Ambient():
                found.append(f"{event.use} {event.state}")
            case File():
                found.append(f"{event.action} {event.path or '?'}")
            case SetOption():
                found.append(f"option {event.what}{'' if event.unit is not None else ' (here)'}")
            case Opaque():
                found.append(f"opaque {event.what}{' history' if event.history else ''}")
    return found


PD = "import pandas as pd\nimport numpy as np\nimport random, os\nimport matplotlib.pyplot as plt"
FRAME = "df = pd.DataFrame({'a': [1]})"

COUNTER = """def make():
    n = 0
    def inc():
        nonlocal n
        n += 1
    return inc"""

IN_THE_EVENTS = [
    ("a method of a known list changes it", ["xs = [1]", "xs.append(2)"], ["mutate xs"]),
    ("an unknown method may change", ["o = make()", "o.run()"], ["mutate? o"]),
    ("an alias shares", ["a = [1]", "b = a"], ["bind b <- a"]),
    ("a slice of an array is a view", [PD, "a = np.arange(3)", "b = a[1:]"], ["bind b <- a"]),
    ("a list keeps its items", ["a = [1]", "b = [a]"], ["bind b <- a"]),
    ("an unknown function may hand back its argument", ["a = [1]", "b = f(a)"], ["bind b <- a,f"]),
    ("an augmented list is changed in place", ["a = [1]", "a += [2]"], ["mutate? a"]),
    ("an iterator is live", ["a = [1]", "b = iter(a)"], ["bind b <- a (iterator)"]),
    ("a generator's call is live", ["def g():\n    yield 1", "b = g()"], ["bind b (generator)"]),
    ("an open file is live", ["fh = open('a.txt', 'w')"], ["write a.txt", "bind fh (open file)"]),
    ("a seed sets", [PD, "np.random.seed(0)"], ["seed numpy.random"]),
    ("a draw draws", [PD, "x = random.random()"], ["draw random"]),
    ("numpy's old functions draw", ["from numpy.random import rand", "rand(3)"],
     ["draw numpy.random"]),
    ("a generator object is data", [PD, "r = np.random.default_rng(0)", "x = r.normal()"],
     ["mutate r"]),
    ("a sample draws", [PD, FRAME, "s = df.sample(1)"], ["draw numpy.random"]),
    ("unknown libraries may draw", ["import mystery", "mystery.go()"], ["maybe-draw numpy.random"]),
    ("a folder change", [PD, "os.chdir('/x')"], ["seed cwd"]),
    ("%cd goes from where it is", ["%cd sub"], ["read cwd", "draw cwd"]),
    ("a frame is written and read", [PD, FRAME, "df.to_csv('o.csv')"], ["write o.csv"]),
    ("a path of constants is followed", [PD, "base = 'data'", "pd.read_csv(f'{base}/x.csv')"],
     ["read data/x.csv"]),
    ("paths are joined", ["from pathlib import Path", "p = Path('a') / 'b.txt'", "p.read_text()"],
     ["read a/b.txt"]),
    ("an unknown path", [PD, "pd.read_csv(path)"], ["read ?"]),
    ("a shell command may touch any file", ["!ls"], ["read ?", "write ?"]),
    ("%%writefile writes", ["%%writefile a/b.py\nx = 1"], ["write a/b.py"]),
    ("a local module's file is read", ["import my_own_module"], ["read my_own_module.py"]),
    ("an option", [PD, "pd.set_option('display.width', 9)"], ["option pandas.set_option"]),
    ("a style", [PD, "plt.style.use('ggplot')"], ["option matplotlib.pyplot.style.use"]),
    ("a parameter of plots", [PD, "plt.rcParams['x'] = 1"], ["option matplotlib.pyplot.rcParams"]),
    ("an environment variable", [PD, "os.environ['K'] = 'v'"], ["option os.environ"]),
    ("a magic that sets", ["%matplotlib inline"], ["option %matplotlib"]),
    ("a patched library", [PD, "pd.DataFrame.go = 1"], ["option pandas.DataFrame.go"]),
    ("exec", ["exec(code)"], ["opaque exec"]),
    ("the last output", ["_ + 1"], ["opaque _ history"]),
    ("deleting needs the name", ["x = 1", "del x"], ["read x", "delete x"]),
    ("a function changes its argument", ["xs = []", "def f(a):\n    a.append(1)", "f(xs)"],
     ["mutate xs"]),
    ("a function changes a global", ["xs = []", "def f():\n    xs.append(1)", "f()"], ["mutate xs"]),
    ("a function binds a global", ["def f():\n    global k\n    k = 1", "f()"], ["bind k"]),
    ("functions call functions", ["def f():\n    g()", "xs = []", "def g():\n    xs.append(1)", "f()"],
     ["mutate xs"]),
    ("an instance keeps what it is given", ["class A:\n    def __init__(self, v):\n        self.v = v",
     "xs = []", "o = A(xs)"], ["bind o <- xs"]),
    ("a method changes its object", ["class A:\n    def go(self):\n        self.n = 1", "o = A()",
     "o.go()"], ["mutate o"]),
    ("a method of any class may be meant", ["log = []",
     "class A:\n    def go(self):\n        log.append(1)", "go(make())\nmake().go()"], ["mutate? log"]),
    ("a function handed on is run", ["xs = []", "def f(v):\n    xs.append(v)",
     "list(map(f, [1]))"], ["mutate? xs"]),
    ("a method that changes its object is handed on", ["xs = []", "go(1, then=xs.append)"],
     ["mutate? xs"]),
    ("a counter changes", [COUNTER, "c = make()", "c()"], ["mutate? c"]),
    ("a figure and its axes are one", [PD, "fig, ax = plt.subplots()"], ["bind ax <- fig"]),
    ("shuffling changes", [PD, "xs = [1]", "random.shuffle(xs)"], ["draw random", "mutate xs"]),
    ("out= changes", [PD, "a = np.ones(3)", "np.add(1, 2, out=a)"], ["mutate a"]),
    ("next moves an iterator", ["it = iter([1])", "next(it)"], ["mutate it"]),
    ("a branch binds perhaps", ["c = 1", "if c:\n    m = 1"], ["bind? m"]),
    ("both branches bind", ["c = 1", "if c:\n    m = 1\nelse:\n    m = 2"], ["bind m"]),
    ("names in a query", [PD, FRAME, "k = 1", "df.query('a > @k')"], ["read k"]),
    ("%%capture binds its name", ["%%capture out\nx = 1"], ["bind x", "bind out"]),
    ("%time binds", ["%time x = 1"], ["bind x"]),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "expected"), [c[1:] for c in IN_THE_EVENTS],
                         ids=[c[0] for c in IN_THE_EVENTS])  # fmt: skip
def test_the_events_hold(cells: list[str], expected: list[str]) -> None:
    found = iter(words(analyse(*cells).events))
    assert all(word in found for word in expected), words(analyse(*cells).events)


NOT_IN_THE_EVENTS = [
    ("a copy is fresh", ["a = [1]", "b = a.copy()\nb.append(1)"], "mutate a"),
    ("a result of pandas is fresh", [PD, FRAME, "s = df.dropna()"], "bind s <- df"),
    ("arithmetic is fresh", [PD, "a = np.ones(3)", "b = a * 2"], "bind b <- a"),
    ("numbers are not shared", ["a = 1", "b = a"], "bind b <- a"),
    ("pure methods change nothing", [PD, FRAME, "df.describe()"], "mutate? df"),
    ("a text's methods change nothing", ["s = 'a'", "s.upper()"], "mutate? s"),
    ("numpy's functions don't draw", [PD, "np.linalg.inv(np.eye(2))"], "maybe-draw numpy.random"),
    ("a given seed draws nothing",
     ["from sklearn.model_selection import train_test_split", "train_test_split(x, random_state=0)"],
     "draw numpy.random"),
    ("steady estimators don't draw",
     ["from sklearn.linear_model import LinearRegression", "m = LinearRegression()", "m.fit(x, y)"],
     "draw numpy.random"),
    ("an option put back is none",
     [PD, "with plt.rc_context():\n    plt.rcParams['x'] = 1"], "option matplotlib.pyplot.rcParams"),
    ("an address is no file", [PD, "pd.read_csv('https://x.org/a.csv')"], "read ?"),
    ("%timeit binds nothing", ["%timeit x = 1"], "bind x"),
    ("the shell keeps its own variables", ["!echo ${HOME}"], "read HOME"),
    ("a loop variable of a comprehension stays inside", ["[q for q in xs]"], "bind q"),
    ("a shared class method of another name", ["class A:\n    def go(self):\n        self.n = 1",
     "xs = [1]", "xs.count(1)"], "mutate? xs"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "word"), [c[1:] for c in NOT_IN_THE_EVENTS],
                         ids=[c[0] for c in NOT_IN_THE_EVENTS])  # fmt: skip
def test_the_events_do_not_hold(cells: list[str], word: str) -> None:
    assert word not in words(analyse(*cells).events)


def test_lines_count_the_cells_own_lines_under_magics() -> None:
    cell = "%%time\n\n%matplotlib inline\nx = 1\n!ls\ny = 2"
    binds = {e.name: e.line for e in analyse(cell).events if isinstance(e, Bind)}
    assert binds == {"x": 4, "y": 6}


def test_a_line_magic_travels_as_it_was_written() -> None:
    units = analyse("import os\n%matplotlib inline").units
    assert [(u.first_line, u.source, u.option) for u in units] == [
        (1, "import os", False),
        (2, "%matplotlib inline", True),
    ]


def test_a_definition_travels_with_its_decorators_and_needs() -> None:
    unit = analyse("@deco(opt)\ndef f(a, b=dflt):\n    return a + late").units[0]
    assert unit.source == "@deco(opt)\ndef f(a, b=dflt):\n    return a + late"
    assert (unit.first_line, unit.last_line) == (1, 3)
    assert unit.needs_now == {"deco", "opt", "dflt"}
    assert unit.needs_when_called == {"late"}


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import functools\n@functools.lru_cache\ndef f(x): return x", "keeps results"),
        ("def f(x, acc=[]):\n    acc.append(x)", "mutable default"),
        ("class A:\n    n = 0\n    def go(self):\n        A.n += 1", "class attribute"),
        (
            "class A:\n    all = []\n    def go(self):\n        self.all.append(1)",
            "class attribute",
        ),
    ],
)
def test_code_with_a_state_says_so(cell: str, why: str) -> None:
    assert why in (analyse(cell).units[-1].stateful or "")


def test_imports_under_try_travel_as_one_unit_with_their_flag() -> None:
    cell = "try:\n    import json as j\n    OK = True\nexcept ImportError:\n    OK = False"
    analysis = analyse(cell)
    assert [u.source for u in analysis.units] == [cell]
    assert {e.name: e.unit for e in analysis.events if isinstance(e, Bind)} == {"j": 0, "OK": 0}


@pytest.mark.parametrize(
    ("cell", "only"),
    [
        ("import os\nx = 1\ndef f(): pass", True),
        ("%matplotlib inline\nimport numpy as np\nnp.set_printoptions(precision=3)", True),
        ("import os\nx = f()", False),
        ("print(1)", False),
        ("%%time\nx = 1", False),
    ],
)
def test_a_leading_cell_is_setup_only_if_it_makes_no_data(cell: str, only: bool) -> None:
    assert analyse(cell).only_code is only


def test_a_syntax_error_names_its_line() -> None:
    error = analyse("x = 1\ny = = 2").syntax_error
    assert error is not None
    assert (error.line, error.code) == (2, "NBF300")


def test_endless_recursion_of_functions_ends() -> None:
    cells = [
        "xs = []",
        "def a(n):\n    xs.append(n)\n    b(n)\n    b(n)",
        "def b(n):\n    a(n)\n    a(n)",
    ]
    assert "mutate xs" in words(analyse(*cells, "a(1)").events)


def test_an_unchanged_cell_is_analysed_once() -> None:
    analyser = Analyser()
    first = analyser.analyse("y = x + 1", {})
    assert analyser.analyse("y = x + 1", {"other": analyse("other = 1").exports["other"]}) is first  # type: ignore[dict-item]
    known = analyse("x = [1]").exports["x"]
    assert known is not None
    assert analyser.analyse("y = x + 1", {"x": known}) is not first
