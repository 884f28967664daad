"""Plans of attempts and seats in live kernels, from hand-made DAGs."""

from nbflow.model.attempt import AttemptResult, StoredValue
from nbflow.model.dag import (
    CodeUnit,
    Dag,
    Edge,
    EdgeKind,
    Input,
    KernelGroup,
    Replay,
    Task,
)  # fmt: skip
from nbflow.model.notebook import Cell, CellType, Notebook, Role
from nbflow.model.options import DagOptions, TaskOptions
from nbflow.model.run import RunSnapshot, TaskSnapshot
from nbflow.model.states import Reason, RunKind, RunState, TaskState
from nbflow.service.kernels import LiveKernels, Seat
from nbflow.service.pages import open_pages
from nbflow.service.plan import AttemptRequest, plan_attempt
from nbflow.service.published import Published


def cell(number, source, role=Role.TASK, kind=CellType.CODE, **options):
    return Cell(id=f"c{number}", index=number, type=kind, source=source, role=role, **options)


def notebook(*cells, path="/somewhere/page.ipynb"):
    return Notebook(
        path=path,
        name="page",
        language="python",
        kernel="python3",
        cells=cells,
        dag=DagOptions(),
        dag_given=False,
        task=None,
        raw={
            "cells": [
                {
                    "cell_type": c.type.value,
                    "id": c.id,
                    "metadata": {},
                    "source": "%%task x\n" + c.source,
                }
                for c in cells
            ],
            "metadata": {"title": "t"},
        },
        digest="0" * 64,
    )


def dag(*tasks, edges=(), groups=(), code=()):
    return Dag(
        id="d",
        notebooks=("/somewhere/page.ipynb",),
        options=DagOptions(),
        tasks=tasks,
        edges=tuple(Edge(source=a, target=b, kind=EdgeKind.DATA) for a, b in edges),
        groups=groups,
        code=code,
    )


def stored(name, bundle="b"):
    return StoredValue(name=name, bundle=bundle * 64, key=name, size=1)


def plan(of, page, name, published=None, **more):
    request = AttemptRequest(
        run_id="r", task=of.task(name), try_no=1, token=7, workdir="/w", values="/v", **more
    )
    return plan_attempt(of, open_pages([page]), published or Published(), request)


def snapshot(of, **states):
    return RunSnapshot(
        run_id="r",
        dag_id=of.id,
        version="0" * 64,
        kind=RunKind.MANUAL,
        state=RunState.RUNNING,
        tasks={
            t.name: TaskSnapshot(name=t.name, state=states.get(t.name, TaskState.NONE))
            for t in of.tasks
        },
    )


def done(*values, kept=None, unstorable=()):
    return AttemptResult(
        state=TaskState.SUCCESS,
        reason=Reason.DONE,
        message="",
        values=values,
        kept_kernel=kept,
        unstorable=dict.fromkeys(unstorable, "generator"),
    )


def test_prompt_numbers_are_those_of_a_run_from_top_to_bottom():
    page = notebook(
        cell(0, "import a", Role.SETUP),
        cell(1, "some text", Role.UNTAGGED, CellType.MARKDOWN),
        cell(2, "", Role.UNTAGGED),
        cell(3, "scratch()", Role.SKIP),
        cell(4, "x = 1"),
        cell(5, "y = 2"),
    )
    of = dag(Task(name="t", cells=("c4", "c5")))
    assert [one.prompt for one in plan(of, page, "t").cells] == [2, 3]


def test_a_cell_goes_to_the_kernel_without_its_magic_line_and_old_outputs():
    page = notebook(cell(0, "\nx = 1"))
    (one,) = plan(dag(Task(name="t", cells=("c0",))), page, "t").cells
    assert one.document["source"] == "\nx = 1"
    assert one.document["outputs"] == []
    assert one.document["id"] == "c0"


def test_an_input_comes_from_the_newest_task_that_published_it():
    page = notebook(*(cell(n, "…") for n in range(3)))
    of = dag(
        Task(name="old", cells=("c0",)),
        Task(name="new", cells=("c1",)),
        Task(name="t", cells=("c2",), inputs=(Input(name="x", sources=("new", "old")),)),
    )
    published = Published()
    published.add("old", done(stored("x", "1")))
    assert plan(of, page, "t", published).loads[0].value.bundle == "1" * 64
    published.add("new", done(stored("x", "2")))
    assert plan(of, page, "t", published).loads[0].value.bundle == "2" * 64


def test_an_input_that_nobody_published_stays_unbound():
    page = notebook(cell(0, "…"))
    of = dag(Task(name="t", cells=("c0",), inputs=(Input(name="x", sources=("gone",)),)))
    assert plan(of, page, "t").loads == ()


def test_an_input_may_have_another_name_where_it_comes_from():
    page = notebook(cell(0, "…"))
    of = dag(
        Task(
            name="t",
            cells=("c0",),
            inputs=(Input(name="x", sources=("s",)),),
            input_keys=(("x", "y"),),
        )
    )
    published = Published()
    published.add("s", done(stored("y")))
    (load,) = plan(of, page, "t", published).loads
    assert (load.name, load.value.key) == ("x", "y")


def test_replays_stand_in_order_with_the_values_of_their_own_place():
    page = notebook(
        cell(0, "import os", Role.SETUP), cell(1, "k = 1\ndef f(a=k): ..."), cell(2, "f()")
    )
    unit = CodeUnit(
        id="c1/1", cell="c1", first_line=2, last_line=2, source="def f(a=k): ...", binds=("f",)
    )
    of = dag(
        Task(name="a", cells=("c1",), replays=(Replay(cell="c0"),), setup_cells=("c0",)),
        Task(
            name="b",
            cells=("c2",),
            replays=(
                Replay(cell="c0"),
                Replay(unit="c1/1", inputs=(Input(name="k", sources=("a",)),)),
            ),
        ),
        code=(unit,),
    )
    published = Published()
    published.add("a", done(stored("k")))
    first, second = plan(of, page, "a").replays, plan(of, page, "b", published).replays
    assert [(s.cell, s.show) for s in first] == [("c0", True)]
    assert [(s.cell, s.first_line, s.show) for s in second] == [("c0", 1, False), ("c1", 2, False)]
    assert [load.name for load in second[1].loads] == ["k"]
    assert plan(of, page, "b", published).lazy["f"].source == "def f(a=k): ..."
    assert plan(of, page, "a").lazy == {}


def test_the_mutation_guard_watches_inputs_that_may_not_change():
    page = notebook(cell(0, "…"))
    inputs = (Input(name="a", sources=("s",)), Input(name="b", sources=("s",)))
    of = dag(Task(name="t", cells=("c0",), inputs=inputs, mutates_inputs=("b",)))
    published = Published()
    published.add("s", done(stored("a"), stored("b")))
    assert plan(of, page, "t", published).guarded == ("a",)


def test_options_reach_the_slot():
    page = notebook(cell(0, "…"))
    options = TaskOptions(timeout=9.0, when="x > 1", foreach="item in range(3)")
    spec = plan(dag(Task(name="t", cells=("c0",), options=options)), page, "t", item=0)
    assert spec.limits.timeout == 9.0
    assert spec.when == "x > 1"
    assert spec.foreach == ("item", "range(3)")
    assert (spec.cwd, spec.kernel) == ("/somewhere", "python3")


def test_only_the_first_item_looks_for_the_items_the_others_load_theirs():
    page = notebook(cell(0, "…"))
    of = dag(
        Task(name="t", cells=("c0",), options=TaskOptions(when="i > 1", foreach="i in range(3)"))
    )
    first = plan(of, page, "t", item=0)
    third = plan(of, page, "t", item=2, item_value=stored("i[2]"))
    assert (first.foreach, first.when, first.loads) == (("i", "range(3)"), "i > 1", ())
    assert (third.foreach, third.when, third.item) == (None, None, 2)
    assert [(load.name, load.value.key) for load in third.loads] == [("i", "i[2]")]


def test_readers_of_a_mapped_task_bind_the_list_of_its_items_values():
    page = notebook(cell(0, "…"), cell(1, "…"))
    of = dag(
        Task(name="m", cells=("c0",), options=TaskOptions(foreach="i in xs")),
        Task(name="t", cells=("c1",), inputs=(Input(name="x", sources=("m",)),)),
    )
    published = Published()
    published.put_items("m", [[stored("x", "1")], [stored("x", "2")]])
    spec = plan(of, page, "t", published)
    (step,) = spec.replays
    assert [load.value.bundle[0] for load in step.loads] == ["1", "2"]
    space = dict.fromkeys((load.name for load in step.loads), "v")
    exec(step.source, space)
    assert space["x"] == ["v", "v"]
    assert not [name for name in space if name.startswith("_nbflow")]
    assert spec.loads == ()


def test_recorded_items_are_read_back_in_order():
    published = Published()
    published.restore("m", [stored(f"x[{n}]", str(n % 10)) for n in (10, 2, 0)], [])
    assert [item["x"].bundle[0] for item in published.items["m"]] == ["0", "2", "0"]


GROUP = KernelGroup(name="g", tasks=("a", "b", "c"), variable="it", type="generator")


def grouped():
    return dag(
        *(Task(name=n, cells=(f"c{i}",), group="g") for i, n in enumerate("abc")), groups=(GROUP,)
    )


def test_a_groups_members_follow_each_other_in_one_kernel():
    of, page = grouped(), notebook(*(cell(n, f"cell {n}") for n in range(3)))
    kernels = LiveKernels(of, "r", Published())
    first = kernels.seat(of.task("a"), snapshot(of))
    assert first.chain == ()
    spec = plan(of, page, "a", kernel=first.kernel)
    kernels.ended(of.task("a"), first, spec, done(kept=first.kernel.name))
    after = snapshot(of, a=TaskState.SUCCESS)
    second = kernels.seat(of.task("b"), after)
    assert second.kernel is first.kernel
    assert second.chain == ()
    assert kernels.unneeded(after) == []
    assert kernels.unneeded(snapshot(of, **dict.fromkeys("abc", TaskState.SUCCESS))) == [
        first.kernel.name
    ]


def test_when_the_groups_kernel_is_gone_the_earlier_members_run_again_silently():
    of, page = grouped(), notebook(*(cell(n, f"cell {n}") for n in range(3)))
    kernels = LiveKernels(of, "r", Published())
    seat = kernels.seat(of.task("a"), snapshot(of))
    kernels.ended(
        of.task("a"), seat, plan(of, page, "a", kernel=seat.kernel), done(kept=seat.kernel.name)
    )
    after = snapshot(of, a=TaskState.SUCCESS)
    failing = kernels.seat(of.task("b"), after)
    failed = AttemptResult(state=TaskState.FAILED, reason=Reason.ERROR, message="")
    kernels.ended(of.task("b"), failing, plan(of, page, "b", kernel=failing.kernel), failed)
    again = kernels.seat(of.task("b"), after)
    assert again.kernel.name != seat.kernel.name
    assert [task.name for task in again.chain] == ["a"]
    spec = plan(of, page, "b", kernel=again.kernel, chain=again.chain)
    assert [(s.source, s.show) for s in spec.replays] == [("cell 0", False)]
    assert [one.cell for one in spec.cells] == ["c1"]
    assert spec.group == again.kernel.name


def test_a_reader_of_a_live_value_runs_where_it_lives_and_loads_nothing_for_it():
    page = notebook(*(cell(n, f"cell {n}") for n in range(2)))
    of = dag(
        Task(name="p", cells=("c0",)),
        Task(name="r", cells=("c1",), inputs=(Input(name="it", sources=("p",)),)),
        edges=[("p", "r")],
    )
    published = Published()
    kernels = LiveKernels(of, "r", published)
    seat = kernels.seat(of.task("p"), snapshot(of))
    assert seat.kernel is None
    result = done(kept="attempt-7", unstorable=("it",))
    published.add("p", result)
    kernels.ended(of.task("p"), seat, plan(of, page, "p"), result)
    after = snapshot(of, p=TaskState.SUCCESS)
    reader = kernels.seat(of.task("r"), after)
    assert (reader.kernel.name, reader.chain) == ("attempt-7", ())
    spec = plan(of, page, "r", published, kernel=reader.kernel)
    assert (spec.group, spec.loads) == ("attempt-7", ())
    assert kernels.unneeded(after) == []
    lost = AttemptResult(state=TaskState.FAILED, reason=Reason.LOST, message="")
    kernels.ended(of.task("r"), reader, spec, lost)
    again = kernels.seat(of.task("r"), after)
    assert [task.name for task in again.chain] == ["p"]


def test_code_that_a_live_kernel_has_run_itself_is_not_replayed_there():
    page = notebook(cell(0, "def f(): ..."), cell(1, "f()"))
    unit = CodeUnit(
        id="c0/0", cell="c0", first_line=1, last_line=1, source="def f(): ...", binds=("f",)
    )
    of = dag(
        Task(name="a", cells=("c0",), group="g"),
        Task(name="b", cells=("c1",), group="g", replays=(Replay(unit="c0/0"),)),
        groups=(KernelGroup(name="g", tasks=("a", "b"), variable="f", type="cache"),),
        code=(unit,),
    )
    kernels = LiveKernels(of, "r", Published())
    seat = kernels.seat(of.task("a"), snapshot(of))
    kernels.ended(
        of.task("a"), seat, plan(of, page, "a", kernel=seat.kernel), done(kept=seat.kernel.name)
    )
    seat = kernels.seat(of.task("b"), snapshot(of, a=TaskState.SUCCESS))
    assert plan(of, page, "b", kernel=seat.kernel).replays == ()
    assert len(plan(of, page, "b").replays) == 1


def test_who_uses_changed_code_runs_where_it_was_changed_until_it_is_defined_anew():
    page = notebook(*(cell(n, "…") for n in range(5)))
    tasks = (
        Task(name="a", cells=("c0",), needs_now=("f",)),
        Task(name="b", cells=("c1",), needs_when_called=("f",)),
        Task(name="c", cells=("c2",), needs_now=("g",)),
        Task(name="d", cells=("c3",), binds=("f",)),
        Task(name="e", cells=("c4",), needs_now=("f",)),
    )
    of = dag(*tasks)
    assert of.code_readers("a", {"f"}) == ("b",)
    published = Published()
    kernels = LiveKernels(of, "r", published)
    result = done(kept="attempt-7", unstorable=("f",))
    published.add("a", result)
    kernels.ended(
        of.task("a"), kernels.seat(of.task("a"), snapshot(of)), plan(of, page, "a"), result
    )
    after = snapshot(of, a=TaskState.SUCCESS)
    assert kernels.seat(of.task("b"), after).kernel.name == "attempt-7"
    assert kernels.seat(of.task("c"), after).kernel is None
    assert kernels.seat(of.task("e"), after).kernel is None
    assert kernels.unneeded(after) == []
    assert kernels.unneeded(snapshot(of, a=TaskState.SUCCESS, b=TaskState.SUCCESS)) == ["attempt-7"]


def test_a_kernel_that_ran_a_later_task_is_no_home_for_an_earlier_ones_code():
    page = notebook(*(cell(n, "…") for n in range(3)))
    tasks = [Task(name=n, cells=(f"c{i}",), needs_now=("f",)) for i, n in enumerate("abc")]
    of = dag(*tasks)
    published = Published()
    kernels = LiveKernels(of, "r", published)
    for name in "ba":
        result = done(kept=f"attempt-{name}", unstorable=("f",))
        seat = kernels.seat(of.task(name), snapshot(of)) if name == "b" else Seat()
        kernels.ended(of.task(name), seat, plan(of, page, name), result)
        published.add(name, result)
    seat = kernels.seat(of.task("c"), snapshot(of, a=TaskState.SUCCESS, b=TaskState.SUCCESS))
    assert (seat.kernel.name, [t.name for t in seat.chain]) == ("attempt-a", ["b"])
