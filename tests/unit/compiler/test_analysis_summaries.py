"""The documented lists of one cell, beside the acceptance table: what a careful reader would say."""

import pytest

from nbflow.compiler.analysis import Analyser

LISTS = ("needs_now", "needs_when_called", "binds", "may_bind", "mutates", "deletes", "warns")

CELLS = [
    ("an attribute is set", "obj.attr = v", {"needs_now": ["obj", "v"], "mutates": ["obj"]}),
    ("a chain of attributes", "a.b.c = d", {"needs_now": ["a", "d"], "mutates": ["a"]}),
    ("a swap", "a, b = b, a", {"needs_now": ["a", "b"], "binds": ["a", "b"]}),
    ("an unpacking", "a, (b, *c) = f(x)", {"needs_now": ["f", "x"], "binds": ["a", "b", "c"]}),
    ("a known mutator", "xs.append(v)", {"needs_now": ["v", "xs"], "mutates": ["xs"]}),
    ("inside a container", "d[k].append(v)", {"needs_now": ["d", "k", "v"], "mutates": ["d"]}),
    ("a function not called", "def f(a):\n    return a * k",
     {"needs_when_called": ["k"], "binds": ["f"]}),
    ("a lambda's default is evaluated at once", "f = lambda v, k=k0: v * k",
     {"needs_now": ["k0"], "binds": ["f"]}),
    ("a called lambda", "f = lambda v: v * k\ny = f(2)",
     {"needs_now": ["k"], "binds": ["f", "y"]}),
    ("a key function runs now", "ys = sorted(xs, key=lambda v: w[v])",
     {"needs_now": ["w", "xs"], "binds": ["ys"]}),
    ("a class body runs now, its methods later",
     "class A(Base):\n    c = limit\n    def m(self):\n        return k",
     {"needs_now": ["Base", "limit"], "needs_when_called": ["k"], "binds": ["A"]}),
    ("a class body's names are its own", "class A:\n    xs = [1]\n    n = len(xs)",
     {"binds": ["A"]}),
    ("nested comprehensions", "ys = [x for row in rows for x in row if x in keep]",
     {"needs_now": ["keep", "rows"], "binds": ["ys"]}),
    ("a walrus in a condition surely binds", "if (n := len(xs)) > lim:\n    print(n)",
     {"needs_now": ["lim", "xs"], "binds": ["n"]}),
    ("a walrus behind `and` may bind", "ok = a and (b := f(a))",
     {"needs_now": ["a", "f"], "binds": ["ok"], "may_bind": ["b"]}),
    ("one branch may bind", "if flag:\n    m = a",
     {"needs_now": ["a", "flag"], "may_bind": ["m"]}),
    ("a loop may not run", "for i in xs:\n    last = i",
     {"needs_now": ["xs"], "may_bind": ["i", "last"]}),
    ("an endless loop runs", "while True:\n    r = f()\n    if r:\n        break",
     {"needs_now": ["f"], "binds": ["r"]}),
    ("a branch that raises leaves the other", "if x:\n    y = 1\nelse:\n    raise ValueError",
     {"needs_now": ["x"], "binds": ["y"]}),
    ("a called function binds", "def s():\n    global cfg\n    cfg = load()\n    print(cfg)\ns()",
     {"needs_now": ["load"], "binds": ["cfg", "s"]}),
    ("a called function reads before it binds", "def f():\n    global n\n    n += 1\nf()",
     {"needs_now": ["n"], "binds": ["f", "n"]}),
    ("a name bound after the call", "def f():\n    return k\ny = f()\nk = 2",
     {"needs_now": ["k"], "binds": ["f", "k", "y"]}),
    ("a name bound before the call", "k = 2\ndef f():\n    return k\ny = f()",
     {"binds": ["f", "k", "y"]}),
    ("a deleted name must be there", "del x", {"needs_now": ["x"], "deletes": ["x"]}),
    ("a query looks names up", "y = df.query('a > @lim')",
     {"needs_now": ["df", "lim"], "binds": ["y"]}),
    ("a query in a function looks there first",
     "def f(d):\n    lim = 3\n    return d.query('a > @lim')\ny = f(df)",
     {"needs_now": ["df"], "binds": ["f", "y"]}),
    ("lazy annotations are not evaluated",
     "from __future__ import annotations\ndef f(a: T) -> R: ...\nx: Q = 1",
     {"binds": ["annotations", "f", "x"]}),
    ("a formatted string", 'print(f"{x!r:>{width}} {y=}")', {"needs_now": ["width", "x", "y"]}),
    ("%%time times the cell", "%%time\ny = f(x)", {"needs_now": ["f", "x"], "binds": ["y"]}),
    ("%%capture binds its name", "%%capture out\nprint(x)",
     {"needs_now": ["x"], "binds": ["out"]}),
    ("%%timeit's line and body share names of their own",
     "%%timeit -n 3 import math; s = math.pi\nimport json\ndef q():\n    return json.dumps(s * w)\nq()",
     {"needs_now": ["w"]}),
    ("a value of %prun's option is no code", "%prun -s cumulative y = f(x)",
     {"needs_now": ["f", "x"], "binds": ["y"]}),
    ("%%prun runs its line and its body", "%%prun -l 5 y = f(x)\nz = g(y)",
     {"needs_now": ["f", "g", "x"], "binds": ["y", "z"]}),
    ("%lprun runs its code", "%lprun -f f f(x)", {"needs_now": ["f", "x"]}),
    ("any line magic's braces are filled", "%env K={v}",
     {"needs_now": ["v"], "warns": ["ambient:os.environ"]}),
    ("a method that changes its object is handed on", "list(map(xs.append, ys))",
     {"needs_now": ["xs", "ys"], "warns": ["maybe-mutates:xs"]}),
    ("a question", "df?\nx = 1", {"needs_now": ["df"], "binds": ["x"]}),
    ("top-level await", "r = await fetch(url)", {"needs_now": ["fetch", "url"], "binds": ["r"]}),
    ("an open file stays in its kernel", "fh = open(path)",
     {"needs_now": ["path"], "binds": ["fh"], "warns": ["unpicklable:fh"]}),
    ("a generator runs when it is iterated", "def g():\n    yield k\nit = g()",
     {"needs_when_called": ["k"], "binds": ["g", "it"], "warns": ["unpicklable:it"]}),
    ("a generator that is iterated here", "def g():\n    yield k\nxs = list(g())",
     {"needs_now": ["k"], "binds": ["g", "xs"]}),
    ("another name for an unknown function", "p = log\np(x)",
     {"needs_now": ["log", "x"], "binds": ["p"]}),
    ("a function changes its argument", "def add(d):\n    d['k'] = 1\nadd(x)",
     {"needs_now": ["x"], "binds": ["add"], "mutates": ["x"]}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in CELLS], ids=[c[0] for c in CELLS])
def test_a_cell_is_summed_up(source: str, expected: dict[str, list[str]]) -> None:
    summary = Analyser().analyse(source, {}).summary
    found = {k: list(getattr(summary, k)) for k in LISTS}
    assert found == {k: expected.get(k, []) for k in LISTS}


def test_lazy_annotations_hold_for_later_cells() -> None:
    analyser = Analyser()
    names = dict(analyser.analyse("from __future__ import annotations", {}).exports)
    assert analyser.analyse("def f(a: T) -> R: ...", names).summary.needs_now == ()
