"""What each cell of a page as a task of its own must wait for, load or share, case by case."""

from dataclasses import replace

import pytest
from page_maker import page
from pipeline_simulator import run_page, run_pipeline

from nbflow.compiler import compile_notebook
from nbflow.model.ids import TaskName


def edges(*cells):
    dag = compile_notebook(page(*cells))
    assert not [d for d in dag.diagnostics if d.severity.value == "error"]
    return {(e.source, e.target, e.kind.value) for e in dag.edges}


def groups(*cells):
    return [set(group.tasks) for group in compile_notebook(page(*cells)).groups]


COUNTING = """def count(f):
    def w(*a):
        w.calls += 1
        return f(*a)
    w.calls = 0
    return w

@count
def sq(v):
    return v * v"""

COUNTDOWN = """class Countdown:
    def __init__(self, n):
        self.n = n
    def __iter__(self):
        return self
    def __next__(self):
        if self.n <= 0:
            raise StopIteration
        self.n -= 1
        return self.n"""

PAGES = {
    "an augmented global is read": (
        "n = 0\ndef add(k):\n    global n\n    n += k\nadd(3)",
        "add(4); print(n)",
    ),
    "a decorated function keeps its count": (COUNTING, "sq(2)", "sq(3); print(sq.calls)"),
    "so does one in a dictionary": (COUNTING, "d = {'f': sq}", "d['f'](3)", "print(sq.calls)"),
    "and one put into a list": (
        COUNTING,
        "fs = []",
        "fs.append(sq)",
        "fs[0](3)",
        "print(sq.calls)",
    ),
    "a nonlocal of a decorator counts as well": (
        (
            "def count(f):\n    n = 0\n    def w(*a):\n        nonlocal n\n        n += 1\n"
            "        return n, f(*a)\n    return w\n\n@count\ndef sq(v):\n    return v * v"
        ),
        "print(sq(2))",
        "print(sq(3))",
    ),
    "an iterator of the page moves in a loop": (
        COUNTDOWN,
        "c = Countdown(6)",
        "for v in c:\n    print(v)\n    break",
        "print(list(zip(c, 'a')))",
        "print(next(c), c.n)",
        "print(*c)",
        "print(list(c), c.n)",
    ),
    "objects follow a class that is changed later": (
        "class P:\n    v = 3\np = P()\nq = P()",
        "p.v = 4",
        "P.twice = lambda self: 2 * self.v",
        "print(p.twice(), q.twice(), isinstance(p, P))",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_the_same_both_ways(name):
    cells = PAGES[name]
    for seed in range(4):
        assert run_pipeline(page(*cells), seed) == run_page(page(*cells))


def test_a_decorator_that_remembers_nothing_keeps_tasks_apart():
    plain = "def loud(f):\n    def w(*a):\n        print(a)\n        return f(*a)\n    return w"
    cells = (plain, "@loud\ndef sq(v):\n    return v * v", "sq(2)", "sq(3)")
    assert not edges(*cells)
    assert not groups(*cells)


def test_a_function_handed_to_a_library_may_look_up_names_that_are_bound_later():
    cells = (
        "import numpy as np",
        "v = np.vectorize(lambda q: q + off)\noff = 2",
        "off = 5",
        "v([1])",
    )
    assert ("t3", "t4", "data") in edges(*cells)


def test_a_folder_is_made_before_files_are_written_into_it():
    assert ("t2", "t3", "file") in edges(
        "import os, numpy as np", "os.makedirs('out')", "np.save('out/a.npy', np.ones(2))"
    )


def test_what_a_memory_map_writes_is_read_afterwards():
    cells = (
        "import numpy as np",
        "m = np.memmap('m.dat', dtype='f4', mode='w+', shape=(3,))",
        "m[0] = 7; m.flush()",
        "np.fromfile('m.dat')",
    )
    assert ("t3", "t4", "file") in edges(*cells)


def test_an_image_shown_from_a_file_waits_for_it():
    cells = (
        "from IPython.display import Image\nimport matplotlib.pyplot as plt",
        "plt.plot([1]); plt.savefig('f.png')",
        "Image('f.png')",
    )
    assert ("t2", "t3", "file") in edges(*cells)


def test_a_replayed_import_waits_for_its_file_and_holds_back_the_next_version():
    cells = (
        "%%writefile mod_here.py\nK = 3",
        "import mod_here",
        "print(mod_here.K)",
        "%%writefile mod_here.py\nK = 4",
    )
    assert {("t1", "t3", "file"), ("t3", "t4", "file")} <= edges(*cells)


@pytest.mark.parametrize("option", ["plt.ioff()", "%config InlineBackend.close_figures = False"])
def test_figures_that_stay_open_keep_the_later_tasks_in_one_kernel(option):
    first = "import matplotlib.pyplot as plt\nplt.plot([0])"
    cells = (first, option, "plt.plot([1])", "plt.show()")
    assert {"t2", "t3", "t4"} in groups(*cells)


@pytest.mark.parametrize("magic", ["%who", "%whos", "%history", "dir()"])
def test_magics_that_show_what_ran_share_the_kernel_with_it(magic):
    assert groups("x = 1", "y = 2", magic) == [{"t1", "t2", "t3"}]


@pytest.mark.parametrize(
    "cell",
    [
        "from sklearn.linear_model import Lasso\nLasso().fit([[1], [2]], [1, 2])",
        (
            "from sklearn.linear_model import LogisticRegression as L\n"
            "L(solver='saga').fit([[1], [2]], [0, 1])"
        ),
        "from scipy import stats\nk = stats.gaussian_kde([1, 2, 4])\nk.resample(2)",
    ],
)
def test_what_draws_from_the_seeded_generator_moves_it(cell):
    cells = ("import numpy as np", "np.random.seed(0)", cell, "np.random.rand()")
    assert ("t3", "t4", "ambient") in edges(*cells)


@pytest.mark.parametrize("call", ["doctest.testmod()", "unittest.main(argv=[''], exit=False)"])
def test_what_looks_at_the_whole_page_gets_all_of_it(call):
    dag = compile_notebook(page("import doctest, unittest", "def f():\n    pass", "x = 1", call))
    task = dag.task(TaskName("t4"))
    assert [replay.unit for replay in task.replays] == ["c1/0", "c2/0"]
    assert [one.name for one in task.inputs] == ["x"]


def test_the_first_words_of_a_log_set_it_up_for_later_tasks():
    dag = compile_notebook(page("import logging", "logging.warning('hello')", "print(1)"))
    assert [replay.unit for replay in dag.task(TaskName("t3")).replays] == ["c1/0", "c2/0"]
    in_loop = page("import logging", "for k in [1]:\n    logging.info(k)", "print(1)")
    assert not compile_notebook(in_loop).groups


def test_braces_that_no_cell_fills_are_the_shells() -> None:
    assert edges("!mkdir -p data/{train,test}", "x = 1") == set()


def test_a_method_handed_to_map_changes_its_object() -> None:
    assert ("t2", "t3", "mutation") in edges("xs = []", "list(map(xs.append, [1]))", "print(xs)")


def test_looking_a_key_up_in_a_defaultdict_may_make_it() -> None:
    cells = ("from collections import defaultdict\nd = defaultdict(list)", "d['a']", "print(d)")
    assert ("t2", "t3", "mutation") in edges(*cells)
    assert ("t2", "t3", "mutation") not in edges(cells[0], "d.get('a')\nlen(d)", cells[2])


@pytest.mark.parametrize("options", [{"when": "acc < 0.9"}, {"foreach": "n in acc"}])
def test_a_name_of_an_option_that_no_cell_binds_is_an_error(options) -> None:
    notebook = page("x = 1", "y = 1")
    told = replace(notebook.cells[1], options=options)
    dag = compile_notebook(replace(notebook, cells=(notebook.cells[0], told)))
    assert [(d.code, d.cell) for d in dag.diagnostics] == [("NBF203", "c2")]
