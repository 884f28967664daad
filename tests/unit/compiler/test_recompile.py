"""After an edit, a compiler that remembers says what a new one says, and folds few cells again."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_maker import page
from statements import START, STATEMENTS

from nbflow.compiler import new_compiler
from nbflow.model.ids import CellId
from nbflow.model.notebook import Notebook

PATH = "page.ipynb"
MORE = [
    "exec(s)", "%run other.py", "import pandas as pd\npd.set_option('a', 1)", "print(w)",
    "import os\nos.chdir('data')", "open('a.txt', 'w').write('x')", "open('a.txt').read()",
    "from functools import lru_cache\n@lru_cache\ndef f(z):\n    return z + n", "(w := 3)",
    "open(f'{n}.txt').read()", "n = True", "n = 1.0", "xs = [_ for _ in ys]", "print(_)", "x = = 1",
]  # fmt: skip
sources = st.lists(
    st.sampled_from([*STATEMENTS, *MORE]), min_size=1, max_size=3
).map("\n".join)  # fmt: skip
tags = st.one_of(
    st.none(),
    st.sampled_from(
        ["-", "setup", "skip", "parameters", "task:a", "task:b", "task:a after:b", "task:c reads:xs",
         "task:b writes:n ignores:ys", "task:a ignores:random", "task:d parameters"]
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A cell of a page under test; without tags it is a task of its own."""

    number: int
    source: str
    tags: str | None = None


cells = st.builds(Line, number=st.just(0), source=sources, tags=tags)


def notebook(lines: list[Line]) -> Notebook:
    texts = [line.source for line in lines]
    made = page(*texts, tags=[line.tags or f"task:t{line.number}" for line in lines])
    ids = [CellId(f"id-{line.number}") for line in lines]
    return replace(
        made,
        cells=tuple(replace(c, id=name) for c, name in zip(made.cells, ids, strict=True)),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[list[Line]]:
    """A page, and what it is after each of several edits."""
    drawn = draw(st.lists(cells, min_size=2, max_size=7))
    now = [Line(0, START)] + [replace(c, number=i) for i, c in enumerate(drawn, start=1)]
    found = [now]
    for number in range(100, 100 + draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(now) - 1))
        new = replace(draw(cells), number=number)
        edits = {
            "edit": [*now[:at], replace(now[at], source=new.source), *now[at + 1 :]],
            "append": [*now[:at], replace(now[at], source=f"{now[at].source}\n{new.source}"),
                       *now[at + 1 :]],
            "lead": [*now[:at], replace(now[at], source=f"\n{now[at].source}"), *now[at + 1 :]],
            "insert": [*now[:at], new, *now[at:]],
            "delete": [*now[:at], *now[at + 1 :]] if len(now) > 1 else now,
            "move": [*now[:at], *now[at + 1 :], now[at]],
            "retag": [*now[:at], replace(now[at], tags=new.tags), *now[at + 1 :]],
            "undo": found[-2] if len(found) > 1 else now,
        }  # fmt: skip
        now = edits[draw(st.sampled_from(sorted(edits)))]
        found.append(now)
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(histories())
def test_after_any_edits_a_compiler_says_what_a_new_one_says(pages: list[list[Line]]) -> None:
    compiler = new_compiler()
    for lines in pages:
        made = notebook(lines)
        warm, fresh = compiler.compile(made), new_compiler().compile(made)
        assert warm == fresh
        assert repr(warm) == repr(fresh)  # 1, 1.0 and True are equal, but not the same


def long_page(count: int) -> list[Line]:
    return [Line(0, "import pandas as pd\nt0 = pd.DataFrame({'a': [1]})")] + [
        Line(n, f"def f{n}(t):\n    return t.assign(b=1)\nt{n} = f{n}(t{n - 1})\nprint(len(t{n}))")
        for n in range(1, count)
    ]


@pytest.mark.parametrize(
    ("at", "old", "new", "most"),
    [
        (100, "print(len(t100))", "print(len(t100))\nextra = 1", 1),
        (100, "print(len(t100))", "print('rows:', len(t100))", 1),
        (100, "b=1", "b=2", 1),
        (100, "def f100", "# a line more\ndef f100", 1),
        (0, "[1]", "[1, 2]", 1),
    ],
)
def test_after_an_edit_only_the_cell_and_who_sees_the_change_are_folded_again(
    at: int, old: str, new: str, most: int
) -> None:
    lines = long_page(200)
    compiler = new_compiler()
    compiler.compile(notebook(lines))
    assert compiler.page(PATH).fold.folded == 200
    lines[at] = replace(lines[at], source=lines[at].source.replace(old, new))
    compiler.compile(notebook(lines))
    assert compiler.page(PATH).fold.folded <= most


@pytest.mark.parametrize(
    "line", ["df['c{n}'] = df['a'] + {n}", "i = {n}\nprint(df)", "x{n} = np.random.rand()"]
)
def test_lines_that_move_do_not_touch_what_follows_in_a_chain(line: str) -> None:
    start = "import numpy as np\nimport pandas as pd\nnp.random.seed(1)\ndf = pd.DataFrame()"
    lines = [Line(0, start), *(Line(n, line.format(n=n)) for n in range(1, 100))]
    compiler = new_compiler()
    compiler.compile(notebook(lines))
    lines[50] = replace(lines[50], source=f"# more\n{lines[50].source}\nanother = 1")
    now = notebook(lines)
    assert compiler.compile(now) == new_compiler().compile(now)
    assert compiler.page(PATH).fold.folded == 1


def test_a_cell_put_in_between_leaves_the_others_as_they_were() -> None:
    lines = long_page(200)
    compiler = new_compiler()
    compiler.compile(notebook(lines))
    compiler.compile(notebook([*lines[:50], Line(900, "print(t20)"), *lines[50:]]))
    assert compiler.page(PATH).fold.folded == 1


def test_options_that_python_takes_for_equal_are_told_apart() -> None:
    compiler, made = new_compiler(), notebook([Line(1, "x = 1")])
    for value in (1, True, 1.0):
        cell = replace(made.cells[0], options={"retries": value})
        now = replace(made, cells=(cell,))
        assert repr(compiler.compile(now)) == repr(new_compiler().compile(now))


def test_a_compiler_remembers_a_bounded_number_of_notebooks() -> None:
    compiler = new_compiler()
    first = compiler.page("0.ipynb")
    for number in range(1, 40):
        compiler.compile(replace(notebook(long_page(2)), path=f"{number}.ipynb"))
    assert compiler.page("0.ipynb") is not first
