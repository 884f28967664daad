"""Tasks that end badly side by side: each fails with its own reason, nobody else pays for it."""

import json

import pytest

from nbflow.model.states import CellStatus, Reason, RunState, TaskState
from nbflow.service.events import RunEventKind

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

DEATHS = {
    "segfault": ("import os; os.kill(os.getpid(), 11)", "kernel died (signal 11)"),
    "leaves": ("import os; os._exit(0)", "kernel died (exit code 0)"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "hungry": ("block = b'x' * (2 * 10**9)", "out of memory (limit 1200 MiB)"),
    "killed": (
        "import os; os.kill(os.getpid(), 9)",
        "kernel died (signal 9), perhaps out of memory",
    ),
    "poison": (
        "import os; os.kill(os.getppid(), 9)",
        "worker died 3 times running this task",
    ),
}


@pytest.mark.fault(4, 5, 6, 7, 44)
def test_whatever_kills_a_task_is_named_and_only_what_waits_for_it_is_held_up(service, page):
    cells = [("print('before')", "task:segfault")]
    for name, (source, _) in DEATHS.items():
        options = {"resources": {"memory": "1200MiB"}} if name == "hungry" else {}
        cells.append((f"{name} = 1\n{source}", options, f"task:{name}"))
        cells.append((f"print({name})", f"task:after-{name}"))
    cells.append(("print('fine')", "task:beside"))
    report = service.run(page(*cells))
    tasks = {str(task.name): task for task in report.tasks}
    assert report.state is RunState.FAILED
    assert tasks["beside"].state is TaskState.SUCCESS
    for name, (_, reason) in DEATHS.items():
        assert tasks[name].state is TaskState.FAILED
        assert tasks[name].note.startswith(reason), (name, tasks[name].note)
        assert service.store.run_snapshot(report.run_id).tasks[f"after-{name}"].state is (
            TaskState.UPSTREAM_FAILED
        )
    assert tasks["poison"].attempts == 3
    assert {tasks[name].attempts for name in DEATHS if name != "poison"} == {1}
    cell = json.loads(tasks["segfault"].notebook.read_text(encoding="utf-8"))["cells"][0]
    assert cell["outputs"][0]["text"] == ["before\n"]
    lost = service.store.attempts(report.run_id, "poison")
    assert [(a.outcome, a.reason) for a in lost] == [("lost", Reason.LOST)] * 3


@pytest.mark.fault(29)
def test_a_notebook_edited_while_it_runs_is_run_as_it_was_and_the_next_run_takes_the_edit(
    service, page, outputs, tmp_path
):
    def write(said):
        return page(("x = 1", "task:a"), (f"print({said!r}, x)", "task:b"))

    path = write("old")

    def edit(event):
        if event.kind is RunEventKind.CELL and event.status is CellStatus.RUNNING:
            write("new")

    first = service.run(path, output=tmp_path / "first.ipynb", on_event=edit)
    second = service.run(path, output=tmp_path / "second.ipynb")
    assert outputs(tmp_path / "first.ipynb")["c1"] == "old 1"
    assert outputs(tmp_path / "second.ipynb")["c1"] == "new 1"
    versions = [service.store.show_run(one.run_id)[0].version for one in (first, second)]
    assert versions[0] != versions[1]
    (kept,) = service.store.load_notebooks(versions[0]).values()
    assert b"old" in kept
