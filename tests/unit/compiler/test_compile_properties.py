"""Compiling never raises, says the same every time, and doesn't care what variables are called."""

import io
import keyword
import tokenize

from hypothesis import given, settings
from hypothesis import strategies as st
from page_maker import page
from statements import START, STATEMENTS

from nbflow.compiler import compile_notebook
from nbflow.model.dag import Dag

sources = st.lists(
    st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3).map("\n".join), max_size=6
)
any_text = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.sampled_from(
            ["%%bash\nls", "!ls {x}", "x = !ls", "%cd ..", "x?", "%%capture out\nx=1", "await f()",
             "for i in x:\n  y = i", "def f(:\n", "lambda: (yield)", "del x, y[0]", "x: int", "_ + _1",
             "from os import *", "with a as b, c as d: pass", "match x:\n case [a, *b]: pass", "\\"]
        ),
    ),
    max_size=6,
)  # fmt: skip
some_tags = st.sampled_from(
    ["-", "setup", "skip", "parameters", "task:a", "task:b", "task:a after:b", "task:c reads:x",
     "task:b writes:x ignores:y", "task:a parameters"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_compiling_any_notebook_never_raises(data: st.DataObject) -> None:
    texts = data.draw(any_text)
    tags = [data.draw(some_tags) for _ in texts]
    compile_notebook(page(*texts, tags=tags))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sources)
def test_compiling_twice_gives_the_same_dag(cells: list[str]) -> None:
    assert compile_notebook(page(START, *cells)) == compile_notebook(page(START, *cells))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sources)
def test_renaming_variables_renames_the_dag_and_nothing_else(cells: list[str]) -> None:
    own = {"n", "m", "xs", "ys", "d", "fs", "it", "f", "g", "h", "o", "o2", "A", "inc", "make"}
    texts = [START, *cells]
    before = compile_notebook(page(*texts))
    after = compile_notebook(page(*(_renamed(text, own) for text in texts)))
    assert _shape(after, own) == _shape(before, set())


def _renamed(source: str, names: set[str]) -> str:
    """Put ``zz_`` before every name of ``names`` that isn't an attribute or a keyword argument."""
    result: list[tokenize.TokenInfo] = []
    last = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text = token.string
        if (
            token.type == tokenize.NAME
            and text in names
            and last != "."
            and not keyword.iskeyword(text)
        ):
            token = token._replace(string=f"zz_{text}")
        last = text
        result.append(token)
    return tokenize.untokenize((t.type, t.string) for t in result)


def _shape(dag: Dag, renamed: set[str]) -> object:
    def plain(name: str | None) -> str | None:
        return name.removeprefix("zz_") if name and renamed else name

    edges = {(e.source, e.target, e.kind, plain(e.variable)) for e in dag.edges}
    tasks = [
        (
            t.name,
            {plain(i.name) for i in t.inputs},
            {plain(o) for o in t.outputs},
            [r.unit for r in t.replays],
            t.group,
        )
        for t in dag.tasks
    ]
    return edges, tasks, [g.tasks for g in dag.groups], [d.code for d in dag.diagnostics]
