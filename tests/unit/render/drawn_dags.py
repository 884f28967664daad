"""DAGs for the pictures' tests, made by hand so that the tests need no compiler."""

from collections.abc import Sequence
from typing import Any

from nbflow.model.dag import Dag, Edge, EdgeKind, KernelGroup, Place, Task
from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import CellId, DagId, TaskName
from nbflow.model.options import DagOptions, TaskOptions


def a_task(name: str, *cells: str, notebook: str | None = None, **options: Any) -> Task:
    return Task(
        name=TaskName(name),
        cells=tuple(map(CellId, cells)),
        notebook=notebook,
        options=TaskOptions(**options),
    )


def an_edge(
    source: str,
    target: str,
    kind: str = "data",
    variable: str | None = None,
    writer: tuple[str, int] | None = None,
    reader: tuple[str, int] | None = None,
) -> Edge:
    return Edge(
        source=TaskName(source),
        target=TaskName(target),
        kind=EdgeKind(kind),
        variable=variable,
        writer=Place(cell=CellId(writer[0]), line=writer[1]) if writer else None,
        reader=Place(cell=CellId(reader[0]), line=reader[1]) if reader else None,
    )


def a_dag(name: str, tasks: Sequence[Task], edges: Sequence[Edge] = (), **more: Any) -> Dag:
    return Dag(
        id=DagId(name),
        notebooks=(f"{name}.ipynb",),
        options=DagOptions(),
        tasks=tuple(tasks),
        edges=tuple(edges),
        **more,
    )


def first_steps() -> Dag:
    return a_dag(
        "first-steps",
        [
            a_task("load", "c1"),
            a_task("clean", "c2"),
            a_task("features", "c3", "c4"),
            a_task("train-linear", "c5"),
            a_task("train-forest", "c6"),
            a_task("evaluate", "c7"),
            a_task("report", "c8", when="score > 0.8"),
        ],
        [
            an_edge("load", "clean", "data", "df", ("c1", 2), ("c2", 1)),
            an_edge("clean", "features", "mutation", "df", ("c2", 1), ("c3", 1)),
            an_edge("features", "train-linear", "data", "X"),
            an_edge("features", "train-linear", "data", "y"),
            an_edge("features", "train-linear", "data", "X_test"),
            an_edge("features", "train-linear", "data", "y_test"),
            an_edge("features", "train-forest", "data", "X"),
            an_edge("features", "train-forest", "ambient", "numpy.random"),
            an_edge("train-linear", "evaluate", "data", "linear"),
            an_edge("train-forest", "evaluate", "data", "forest"),
            an_edge("evaluate", "report", "file", "out/scores.csv"),
            an_edge("load", "report", "order"),
        ],
        membership=(
            (CellId("s1"), "setup"),
            (CellId("s2"), "setup"),
            (CellId("p1"), "parameters"),
            (CellId("x1"), "skip"),
        ),
    )


def korean() -> Dag:
    return a_dag(
        "재학습",
        [
            a_task("데이터_적재", "c1"),
            a_task("특성_만들기", "c2"),
            a_task("로지스틱_회귀_학습", "c3"),
            a_task("랜덤포레스트_학습", "c4"),
            a_task("평가", "c5"),
            a_task("모델_배포", "c6", when="정확도 >= 0.9"),
        ],
        [
            an_edge("데이터_적재", "특성_만들기", "mutation", "고객_데이터"),
            an_edge("특성_만들기", "로지스틱_회귀_학습", "data", "학습_데이터"),
            an_edge("특성_만들기", "랜덤포레스트_학습", "data", "학습_데이터"),
            an_edge("로지스틱_회귀_학습", "평가", "data", "모델1"),
            an_edge("랜덤포레스트_학습", "평가", "data", "모델2"),
            an_edge("평가", "모델_배포", "data", "정확도"),
        ],
    )


def nightly() -> Dag:
    """Whole notebooks, a kernel group, a mapped task, safe edges and a broken cell."""
    return a_dag(
        "nightly",
        [
            a_task("extract", notebook="extract.ipynb"),
            a_task("connect", "c1"),
            a_task("query", "c2"),
            a_task("transform", "c3"),
            a_task("score", "c4", foreach="region in regions"),
            a_task("publish", notebook="publish.ipynb"),
        ],
        [
            an_edge("extract", "connect", "file", "raw/orders.parquet"),
            an_edge("connect", "query", "group", "con"),
            an_edge("query", "transform", "data", "rows"),
            an_edge("transform", "score", "pass-through", "table"),
            an_edge("score", "publish", "data", "scores"),
            an_edge("extract", "score", "safe"),
        ],
        groups=(
            KernelGroup(
                name="g",
                tasks=(TaskName("connect"), TaskName("query")),
                variable="con",
                type="sqlite3.Connection",
            ),
        ),
        diagnostics=(
            Diagnostic(
                code="NBF101",
                severity=Severity.ERROR,
                message="The cell holds <script>.",
                cell=CellId("z9"),
                line=3,
            ),
        ),
    )


def wide(tasks: int, each: int) -> Dag:
    """A DAG of ``tasks`` tasks, each reading ``each`` earlier ones, in a fixed pattern."""
    names = [f"task-{index}" for index in range(tasks)]
    edges = [
        an_edge(names[(index * (7 + k) + k * 13) % index], names[index], "data", f"v{k}")
        for index in range(1, tasks)
        for k in range(min(each, index))
    ]
    return a_dag("wide", [a_task(name, f"c{i}") for i, name in enumerate(names)], edges)
