"""What holds for every text: the analysis answers, and answers the same again."""

import ast
import symtable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.compiler.analysis import Analyser
from nbflow.compiler.analysis.scopes import scope_of

PIECES = [
    "x = 1", "x += y", "def f(a, b=x):\n    global g\n    g = a\n    return lambda: h(b)", "f(x)",
    "class A(B):\n    n = x\n    def go(self):\n        self.n += g", "A().go()", "del x",
    "for i in x:\n    if i:\n        continue\n    y = i\n    break\nelse:\n    z = 2",
    "while x:\n    x -= 1\n    try:\n        y\n    except E as e:\n        raise\n    finally:\n        k = 1",
    "with open(x) as (a, *b), c as d[0]:\n    pass", "[i for i in x if (w := i) for j in i]",
    "{k: v for k, v in x.items()}", "g = (i async for i in x)", "await f(x)", "a, (b, *c) = x = y",
    "x[1:2, ...] = y.z", "x.y.z += 1", "%time f(x)", "!ls {x} $y", "files = !ls", "x?", "%%bash\nls",
    "match x:\n    case [1, *r] | {'k': r} if r:\n        y = r\n    case A(n=v) as q:\n        pass",
    "f'{x:{y}}{z!r}'", "global x", "import a.b as c, d", "from math import *", "exec(x)", "return x",
    "yield x", "nonlocal x", "lambda *a, k=x, **kw: (yield a)", "%matplotlib inline", "%%time\nx = 1",
    "print(*x, sep=y, **z)", "try:\n    x\nexcept* E:\n    y", "sorted(x, key=lambda q: q[y])",
    "_ = Out[1]", "x = y if z else w", "assert (y := x), z", "x: int", "@d(x)\nasync def f(): await y",
]  # fmt: skip


# Python never evaluates annotations of local variables; symtable counts them all the same.
UNANNOTATED = [piece for piece in PIECES if piece != "x: int"]


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    Analyser().analyse(text, {})


@given(st.text(alphabet="%!?{}$()[]=:,.#'\"\\ \n\tabx01@_*", max_size=80))
def test_any_text_of_marks_is_answered(text: str) -> None:
    Analyser().analyse(text, {})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5), max_size=5))
def test_pages_are_answered_twice_alike(cells: list[list[str]]) -> None:
    answers = []
    for _ in range(2):
        analyser, names, results = Analyser(), {}, []
        for cell in cells:
            result = analyser.analyse("\n".join(cell), names)
            results.append((result.events, result.units, result.summary, result.findings))
            names.update({k: v for k, v in result.exports.items() if v is not None})
        answers.append(results)
    assert answers[0] == answers[1]


@settings(deadline=None)
@given(st.lists(st.sampled_from(UNANNOTATED), min_size=1, max_size=4))
def test_a_functions_page_names_are_those_of_symtable(pieces: list[str]) -> None:
    body = "\n".join(pieces)
    source = "async def outer(x, y):\n" + "\n".join(f"    {line}" for line in body.split("\n"))
    try:
        table = symtable.symtable(source, "<test>", "exec").get_children()[0]
        tree = ast.parse(source)
    except SyntaxError:
        return
    assert isinstance(tree.body[0], ast.AsyncFunctionDef)
    assert scope_of(tree.body[0]).free >= _globals(table)


def _globals(table: symtable.SymbolTable) -> set[str]:
    found = {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    for child in table.get_children():
        found |= _globals(child)
    return {n for n in found if not n.startswith(".")}
