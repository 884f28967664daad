"""`from M import *` of well-known libraries is as good as importing each name."""

from page_maker import page

from nbflow.compiler import compile_notebook
from nbflow.compiler.analysis.star_imports import exported_names


def test_names_are_told_by_where_they_come_from():
    names = exported_names("pylab")
    assert names is not None
    assert names["seed"] == "numpy.random.seed"
    assert names["plot"] == "matplotlib.pyplot.plot"
    assert exported_names("math") == {n: f"math.{n}" for n in exported_names("math")}


def test_what_is_not_known_or_not_there_is_not_imported():
    assert exported_names("antigravity") is None
    assert exported_names("no_such_module") is None
    assert exported_names("numpy.no_such_module") is None


def test_a_star_import_of_a_library_is_replayed_and_its_functions_are_known():
    dag = compile_notebook(page("from numpy import *", "random.seed(0)", "x = 1", "random.rand(2)"))
    assert {(e.source, e.target, e.kind.value) for e in dag.edges} == {("t2", "t4", "ambient")}
    assert [replay.unit for replay in dag.tasks[3].replays] == ["c1/0"]


def test_the_old_value_of_an_option_does_not_hold_later_tasks_together():
    dag = compile_notebook(
        page(
            "import numpy as np",
            "old = np.seterr(all='ignore')",
            "1 / np.zeros(1)",
            "np.seterr(**old)",
            "1",
        )
    )
    assert not dag.groups
    assert [replay.unit for replay in dag.tasks[2].replays] == ["c1/0", "c2/0"]
    assert [replay.unit for replay in dag.tasks[4].replays] == ["c1/0", "c2/0", "c4/0"]
