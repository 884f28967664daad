import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from nbflow.errors import ParameterError
from nbflow.ipython.live_run import LiveRun
from nbflow.ipython.progress import RunProgress
from nbflow.ipython.runs import RunEnding, RunRequest
from nbflow.model.dag import Dag
from nbflow.model.ids import RunId, TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.render.fold import Folded, fold
from nbflow.service.events import OnEvent, RunEvent, RunEventKind
from nbflow.service.targets import Compiled

BEGUN = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def event(task: str | None, state: TaskState | RunState, seconds: float = 0, note: str = ""):
    return RunEvent(
        kind=RunEventKind.TASK if task else RunEventKind.RUN,
        at=BEGUN + timedelta(seconds=seconds),
        run_id=RunId("manual__x"),
        task=TaskName(task) if task else None,
        state=state,
        note=note,
    )


def requested(dag: Dag, **parameters: str) -> RunRequest:
    return RunRequest(compiled=Compiled(dag=dag, notebooks=()), parameters=parameters)


def whole(dag: Dag) -> Folded:
    return Folded(whole=dag, dag=dag)


class Script:
    """Runs by telling events, as the engine would."""

    def __init__(self, *events: RunEvent, ending: RunEnding) -> None:
        self.events, self.ending = events, ending
        self.request: RunRequest | None = None

    def __call__(
        self, request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event
    ) -> RunEnding:
        self.request = request
        for told in self.events:
            on_event(told)
        return self.ending


def test_events_become_states_with_durations_and_reasons(dags: ModuleType) -> None:
    progress = RunProgress(view=whole(dags.korean()))
    for told in (
        event(None, RunState.RUNNING),
        event("데이터_적재", TaskState.RUNNING, 1),
        event("데이터_적재", TaskState.SUCCESS, 3.5),
        event("특성_만들기", TaskState.RUNNING, 4),
        event("특성_만들기", TaskState.FAILED, 5, "ValueError: no column 'x'"),
        event("no such task", TaskState.FAILED, 5),
    ):
        progress.take(told)
    wire = progress.to_wire("en")
    assert [w["look"] for w in wire[:3]] == ["success", "failed", "none"]
    assert wire[0]["note"] == "done · 2.5 s"
    assert wire[1]["note"] == "ValueError · 1.0 s"
    assert progress.done == 2
    assert [w["id"] for w in wire] == [f"task-n{i}" for i in range(6)]


def test_the_view_follows_a_run_to_its_end(dags: ModuleType) -> None:
    names = [t.name for t in dags.korean().tasks]
    script = Script(
        event(None, RunState.RUNNING),
        *(event(n, TaskState.RUNNING, i) for i, n in enumerate(names)),
        *(event(n, TaskState.SUCCESS, 9) for n in names),
        event(None, RunState.SUCCESS, 9),
        ending=RunEnding(state=RunState.SUCCESS, executed=Path("out/run.ipynb")),
    )
    request = requested(dags.korean(), x="1")
    live = LiveRun(whole(dags.korean()), request, script, lang="en")
    assert live.view.status["word"] == "Starting…"
    live.start()
    ending = live.wait()
    assert ending == script.ending
    assert script.request == request
    assert {t["look"] for t in live.view.tasks} == {"success"}
    assert live.view.status["word"] == "Run finished"
    assert live.view.status["count"] == "6 of 6 tasks"
    assert live.view.status["took"] == "9.0 s"
    assert live.view.links == [{"label": "Open the executed notebook", "href": "out/run.ipynb"}]
    assert live.view.svg.count("data-task=") == 6


def test_the_cancel_button_asks_the_run_to_stop(dags: ModuleType) -> None:
    def until_cancelled(
        request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event
    ) -> RunEnding:
        on_event(event(None, RunState.RUNNING))
        assert cancelled.wait(20)
        return RunEnding(state=RunState.CANCELLED)

    live = LiveRun(whole(dags.korean()), requested(dags.korean()), until_cancelled, lang="ko")
    live.start()
    live._on_message(live.view, {"kind": "cancel"}, [])
    ending = live.wait()
    assert ending.state is RunState.CANCELLED
    assert live.view.status["word"] == "실행 취소됨"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ParameterError("There is no parameter 'x'.", hint="Parameters: y."), "Parameters: y."),
        (ZeroDivisionError("oh"), "nbflow failed: ZeroDivisionError: oh"),
    ],
)
def test_a_run_that_can_not_start_says_so_in_the_view(
    dags: ModuleType, error: Exception, said: str
) -> None:
    def fails(request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event) -> RunEnding:
        raise error

    live = LiveRun(whole(dags.korean()), requested(dags.korean()), fails, lang="en")
    live.start()
    live.wait()
    assert live.view.status["look"] == "failed"
    assert said in live.view.status["message"]


def test_a_folded_dag_is_told_section_by_section(dags: ModuleType) -> None:
    dag = dags.wide(90, 2)
    view = fold(dag, {str(t.name): f"Part {i // 9 + 1}" for i, t in enumerate(dag.tasks)})
    progress = RunProgress(view=view)
    progress.take(event("task-10", TaskState.RUNNING, 2))
    progress.take(event("task-11", TaskState.RUNNING, 5))
    boxes = progress.to_wire("en")
    assert len(boxes) == 10
    assert (boxes[1]["look"], boxes[1]["note"]) == ("running", "running · 0 of 9")
    assert boxes[1]["started"] == (BEGUN + timedelta(seconds=2)).timestamp()
    assert boxes[2]["look"] == "none"
