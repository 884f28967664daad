"""What a page compiles to: edges with their why, replays, groups, findings."""

import pytest
from page_maker import page

from nbflow.compiler import compile_notebook
from nbflow.model.dag import Dag
from nbflow.model.diagnostics import Severity
from nbflow.model.ids import TaskName


def edges(dag: Dag) -> set[tuple[str, str, str, str | None]]:
    return {(e.source, e.target, e.kind.value, e.variable) for e in dag.edges}


def arrows(dag: Dag) -> set[str]:
    return {f"{e.source}>{e.target}" for e in dag.edges}


def codes(dag: Dag, severity: Severity | None = None) -> list[str]:
    return [d.code for d in dag.diagnostics if severity in (None, d.severity)]


SECTION_6 = {
    "a rebound name is read from its latest writer": (
        ["x=1", "x=2", "print(x)"],
        {("t2", "t3", "data", "x")},
    ),
    "a change in place makes a chain": (
        ["df=load()", 'df.drop("a", axis=1, inplace=True)', "print(df)"],
        {("t1", "t2", "data", "df"), ("t2", "t3", "mutation", "df")},
    ),
    "a conditional write hands the old version on": (
        ["m=0; flag=0", "if flag: m=1", "print(m)"],
        {
            ("t1", "t2", "data", "flag"),
            ("t1", "t2", "pass-through", "m"),
            ("t2", "t3", "data", "m"),
        },
    ),
    "a class is replayed and looks its names up late": (
        ["k=1", "class A:\n    def m(self): return k", "A().m()"],
        {("t1", "t3", "data", "k")},
    ),
    "loop variables, figures and imports do not cross": (
        [
            "import os\nfor i in range(3): print(i)\nfig, ax = 1, 2",
            "import os\nfor i in range(2): print(i)\nfig, ax = 3, 4",
        ],
        set(),
    ),
    "a function looks its names up when it is called": (
        ["def f(): return k", "k=1", "print(f())"],
        {("t2", "t3", "data", "k")},
    ),
}


@pytest.mark.parametrize("title", SECTION_6)
def test_section_6_of_the_format(title: str) -> None:
    sources, expected = SECTION_6[title]
    if "load()" in sources[0]:
        sources = ["def load():\n    return object()\n" + sources[0], *sources[1:]]
    dag = compile_notebook(page(*sources))
    assert edges(dag) == expected
    assert not codes(dag, Severity.ERROR)


def test_section_6_reading_before_any_cell_binds_is_an_error_with_its_place() -> None:
    dag = compile_notebook(page("print(x)", "x=1"))
    assert [(d.code, d.cell, d.line) for d in dag.diagnostics] == [("NBF203", "c1", 1)]
    assert not dag.edges


def test_a_class_and_what_it_needs_are_replayed_where_it_is_used() -> None:
    dag = compile_notebook(
        page("import math", "def helper(v): return math.sqrt(v)", "class A:\n    f = staticmethod(helper)",
             "print(A.f(4))")
    )  # fmt: skip
    assert not dag.edges
    replayed = [r.unit for r in dag.task("t4").replays]
    assert replayed == ["c1/0", "c2/0", "c3/0"]


def test_a_default_argument_keeps_the_value_of_its_own_place() -> None:
    dag = compile_notebook(page("k = 1", "def f(a=k): return a", "k = 2", "print(f())"))
    (replay,) = dag.task("t4").replays
    assert [(i.name, i.sources) for i in replay.inputs] == [("k", ("t1",))]
    assert arrows(dag) == {"t1>t2", "t1>t4"}


def test_a_change_through_an_alias_makes_a_new_version_of_both_names() -> None:
    dag = compile_notebook(page("a = [1]", "b = a", "b.append(2)", "print(a)"))
    assert ("t3", "t4", "mutation", "a") in edges(dag)


def test_names_of_one_object_are_loaded_from_the_task_that_joined_them() -> None:
    dag = compile_notebook(page("a = [1]", "b = a", "print(a is b)"))
    assert {(i.name, i.sources) for i in dag.task("t3").inputs} == {
        ("a", ("t2", "t1")),
        ("b", ("t2",)),
    }
    assert dag.task("t2").outputs == ("a", "b")


def test_readers_of_one_version_run_side_by_side() -> None:
    dag = compile_notebook(page("x = [3, 1]", "print(sorted(x))", "print(len(x))"))
    assert arrows(dag) == {"t1>t2", "t1>t3"}


def test_a_seeded_generator_is_carried_from_draw_to_draw() -> None:
    dag = compile_notebook(
        page("import random\nrandom.seed(0)", "a = random.random()", "b = random.random()")
    )
    assert {("t1", "t2", "ambient", "random"), ("t2", "t3", "ambient", "random")} <= edges(dag)
    assert dag.task("t2").ambient_outputs == ("random",)


def test_an_unseeded_generator_makes_no_edges() -> None:
    dag = compile_notebook(page("import random", "a = random.random()", "b = random.random()"))
    assert not dag.edges


def test_ignoring_the_generator_buys_the_parallelism_back() -> None:
    dag = compile_notebook(
        page("import random\nrandom.seed(0)", "a = random.random()", "b = random.random()",
             tags=["task:t1", "task:t2 ignores:random", "task:t3 ignores:random"])
    )  # fmt: skip
    assert not dag.edges


def test_a_file_written_and_read_makes_an_edge() -> None:
    dag = compile_notebook(
        page("open('a.txt', 'w').write('x')", "print(open('a.txt').read())", "print(open('b.txt'))")
    )
    assert edges(dag) == {("t1", "t2", "file", "a.txt")}


def test_options_are_replayed_in_every_later_task() -> None:
    dag = compile_notebook(page("import os", "os.environ['K'] = 'v'", "print(os.environ['K'])"))
    assert [r.unit for r in dag.task("t3").replays] == ["c1/0", "c2/0"]


def test_a_generator_makes_its_users_share_a_kernel() -> None:
    dag = compile_notebook(
        page("g = (i for i in range(9))", "print(1)", "print(next(g))", "print(list(g))")
    )
    (group,) = dag.groups
    assert group.tasks == ("t1", "t3", "t4")
    assert group.variable == "g"
    assert "NBF211" in codes(dag, Severity.INFO)
    assert arrows(dag) >= {"t1>t3", "t3>t4"}


def test_a_function_with_changed_attributes_makes_its_users_share_a_kernel() -> None:
    dag = compile_notebook(page("def f(): return 1", "f.calls = 1", "print(f.calls)"))
    assert dag.groups[0].tasks == ("t2", "t3")


def test_code_that_nobody_can_look_into_keeps_page_order() -> None:
    dag = compile_notebook(page("x = 1", "exec(open('a').read())", "print(x, y)", "z = 5"))
    assert {"t1>t2", "t2>t3", "t2>t4"} <= arrows(dag)
    assert "NBF210" in codes(dag, Severity.WARNING)
    assert not codes(dag, Severity.ERROR)


def test_the_history_of_ipython_needs_one_kernel_with_all_earlier_tasks() -> None:
    dag = compile_notebook(page("1 + 1", "x = 3", "print(_)"))
    assert dag.groups[0].tasks == ("t1", "t2", "t3")


def test_a_deleted_name_that_is_read_is_an_error() -> None:
    dag = compile_notebook(page("x = 1", "del x", "print(x)"))
    assert codes(dag, Severity.ERROR) == ["NBF205"]


@pytest.mark.fault(38)
def test_a_cycle_is_reported_with_its_whole_path() -> None:
    dag = compile_notebook(
        page("x = 1", "y = x", tags=["task:a after:b", "task:b"]),
    )
    assert codes(dag, Severity.ERROR) == ["NBF201"]
    assert "->" in dag.diagnostics[0].message
    assert "(x)" in dag.diagnostics[0].message


def test_an_unknown_after_names_the_tasks_that_there_are() -> None:
    dag = compile_notebook(page("x = 1", tags=["task:a after:nope"]))
    assert [(d.code, d.cell) for d in dag.diagnostics] == [("NBF202", "c1")]
    assert "The tasks are: a." in dag.diagnostics[0].hint


def test_interleaved_cells_that_need_two_versions_are_an_error() -> None:
    dag = compile_notebook(
        page(
            "x = 1", "print(x)", "x = 2", "print(x)", tags=["task:a", "task:b", "task:c", "task:b"]
        )
    )
    assert codes(dag, Severity.ERROR) == ["NBF206"]


def test_a_version_from_the_middle_of_a_task_is_an_error() -> None:
    dag = compile_notebook(page("x = 1", "y = x", "x = 2", tags=["task:a", "task:b", "task:a"]))
    assert "NBF207" in codes(dag, Severity.ERROR)


def test_without_any_task_the_notebook_is_one_task_named_after_the_file() -> None:
    dag = compile_notebook(page("x = 1", "print(x)", tags=["-", "-"]))
    assert [(t.name, t.cells) for t in dag.tasks] == [("page", ("c1", "c2"))]


def test_leading_cells_are_setup_or_start_and_others_belong_to_the_task_above() -> None:
    dag = compile_notebook(
        page("import os\nN = 3", "data = sorted(os.environ)", "print(N)", "print(data)", "y = 1",
             tags=["-", "-", "task:a", "-", "task:b"])
    )  # fmt: skip
    assert dict(dag.membership) == {"c1": "setup", "c2": "start", "c3": "a", "c4": "a", "c5": "b"}


def test_setup_is_replayed_by_every_later_task_and_shown_by_the_first() -> None:
    dag = compile_notebook(
        page("print('hi')", "x = 1", "y = 2", tags=["setup", "task:a", "task:b"])
    )
    assert [t.replays[0].cell for t in dag.tasks] == ["c1", "c1"]
    assert [t.setup_cells for t in dag.tasks] == [("c1",), ()]


def test_a_setup_cell_that_reads_a_tasks_result_belongs_to_that_task() -> None:
    dag = compile_notebook(page("x = 1", "y = x", "print(y)", tags=["task:a", "setup", "task:b"]))
    assert dict(dag.membership)["c2"] == "a"
    assert codes(dag) == ["NBF208"]
    assert ("a", "b", "data", "y") in edges(dag)


def test_reads_and_writes_tags_correct_the_inference() -> None:
    dag = compile_notebook(
        page(
            "x = 1",
            "print('?')",
            "print('!')",
            tags=["task:a", "task:b reads:x writes:x", "task:c reads:x"],
        )
    )
    assert ("a", "b", "data", "x") in edges(dag)
    assert ("b", "c", "data", "x") in edges(dag)


def test_other_languages_keep_page_order_in_one_kernel() -> None:
    dag = compile_notebook(page("x <- 1", "print(x)", language="R"))
    assert dag.groups[0].tasks == ("t1", "t2")
    assert arrows(dag) == {"t1>t2"}
    assert codes(dag, Severity.WARNING) == ["NBF217"]


def test_an_import_that_a_later_task_replays_is_ordered_by_that_tasks_own_place() -> None:
    dag = compile_notebook(
        page(
            "import mymodule\nobj = mymodule.make()", "!touch a", "print(obj, mymodule)", "!touch b"
        )
    )
    assert not codes(dag, Severity.ERROR)
    assert {"t2>t3", "t3>t4"} <= arrows(dag)


@pytest.mark.parametrize("source", ["ls data/*.csv", "timeit sum(x)", "cat notes.txt"])
def test_a_magic_without_its_percent_sign_is_no_syntax_error(source: str) -> None:
    assert not codes(compile_notebook(page("x = [1]", source)), Severity.ERROR)


def test_a_cell_that_may_raise_reads_and_binds_nothing_for_sure():
    tags = ["task:t1 raises:yes", "task:t2", "task:t3 raises:yes", "task:t4", "task:t5 raises:yes"]
    cells = ["print(q)", "x = 1", "y = [2]\nx = 1 / 0", "print(x)", 'print "old"']
    dag = compile_notebook(page(*cells, tags=tags))
    assert codes(dag, Severity.ERROR) == []
    assert edges(dag) == {("t2", "t3", "pass-through", "x"), ("t3", "t4", "data", "x")}
    assert dag.task(TaskName("t3")).may_bind == ("x", "y")


def test_a_deleted_name_may_be_asked_for():
    cells = [
        "x = 1\nlist = [2]",
        "del x\ndel list",
        "try:\n    x\nexcept NameError:\n    print('gone')",
        "list('ab')",
    ]
    dag = compile_notebook(page(*cells))
    assert codes(dag, Severity.ERROR) == []
    assert arrows(dag) == {"t1>t2"}
    assert codes(compile_notebook(page("x = 1", "del x", "x")), Severity.ERROR) == ["NBF205"]
