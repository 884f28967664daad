"""One notebook run as a DAG: real kernels, a real metastore."""

import json
import socket
import threading
import time

import pytest

from nbflow.errors import CompileError, NotFoundError, ParameterError
from nbflow.model.states import CellStatus, Reason, RunState, TaskState
from nbflow.service.events import RunEventKind

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


def states(report):
    return {task.name: task.state.value for task in report.tasks}


def test_values_travel_and_the_merged_notebook_reads_as_if_run_top_to_bottom(
    service, page, outputs, tmp_path
):
    path = page(
        ("import math\nn = 3", "parameters"),
        ("xs = [i * n for i in range(4)]\nxs", "task:load"),
        ("a = sum(xs)\na", "task:add"),
        ("b = math.sqrt(xs[3])\nb", "task:root"),
        ("print(a + b)", "task:join"),
    )
    events = []
    report = service.run(path, {"n": "12"}, output=tmp_path / "out.ipynb", on_event=events.append)
    assert report.is_success
    assert set(states(report).values()) == {"success"}
    assert outputs(report.output) == {
        "c0": "",
        "c1": "[0, 12, 24, 36]",
        "c2": "72",
        "c3": "6.0",
        "c4": "78.0",
    }
    cells = json.loads(report.output.read_text(encoding="utf-8"))["cells"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4, 5]
    runs = [event.state for event in events if event.kind is RunEventKind.RUN]
    assert runs == [RunState.RUNNING, RunState.SUCCESS]
    done = [e.cell for e in events if e.status is CellStatus.COMPLETED and e.task == "join"]
    assert done == ["c4"]


def test_branches_run_side_by_side(service, page):
    with socket.create_server(("127.0.0.1", 0)) as meeting:
        meet = f"socket.create_connection(('127.0.0.1', {meeting.getsockname()[1]}), 60).recv(1)"
        path = page(
            ("import socket", "setup"),
            (f"x = len({meet})", "task:left"),
            (f"y = len({meet})", "task:right"),
            ("print(x + y)", "task:join"),
        )
        threading.Thread(target=_answer_two_at_once, args=(meeting,), daemon=True).start()
        assert service.run(path).is_success


def _answer_two_at_once(meeting):
    """Let nobody go before both have come: one after the other would wait in vain."""
    both = [meeting.accept()[0] for _ in range(2)]
    for one in both:
        one.sendall(b"!")
        one.close()


def test_a_failing_cell_is_reported_with_its_traceback_and_what_was_not_run(
    service, page, outputs, tmp_path
):
    path = page(
        ("x = 1\nprint('before')", "task:first"),
        ("y = x / 0", "task:broken"),
        ("print(y)", "task:after"),
        ("print(x)", "task:beside"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.state is RunState.FAILED
    assert states(report) == {
        "first": "success",
        "broken": "failed",
        "after": "upstream_failed",
        "beside": "success",
    }
    (broken,) = report.failed
    assert broken.reason is Reason.ERROR
    assert broken.error.name == "ZeroDivisionError"
    assert "y = x / " in "".join(broken.error.traceback)
    assert broken.notebook.exists()
    (after,) = report.not_run
    assert after.note == "broken did not succeed"
    written = outputs(report.output)
    assert written["c0"] == "before"
    assert written["c3"] == "1"


def test_a_task_is_tried_again_and_its_last_try_counts(service, page, tmp_path):
    flag = tmp_path / "flag"
    source = (
        f"import pathlib\nflag = pathlib.Path({str(flag)!r})\n"
        "if not flag.exists():\n    flag.touch()\n    raise OSError('once')\nprint('fine')"
    )
    path = page((source, {"retries": 2, "retry_delay": 0}, "task:flaky"))
    report = service.run(path)
    assert report.is_success
    assert report.tasks[0].attempts == 2


def test_an_error_that_must_not_be_retried_is_not(service, page):
    options = {"retries": 3, "retry_delay": 0, "no_retry_on": ["ValueError"]}
    path = page(("raise ValueError('no')", options, "task:sure"))
    report = service.run(path)
    assert (report.tasks[0].state, report.tasks[0].attempts) == (TaskState.FAILED, 1)


def test_a_condition_skips_and_the_join_goes_on_with_the_other_branch(
    service, page, outputs, tmp_path
):
    path = page(
        ("score = 0.4", "task:score"),
        ("kind = 'good'", {"when": "score > 0.5"}, "task:promote"),
        ("kind = 'bad'", {"when": "score <= 0.5"}, "task:alert"),
        ("print(kind)", {"trigger_rule": "none_failed_min_one_success"}, "task:tell"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success
    assert states(report)["promote"] == "skipped"
    assert states(report)["alert"] == "success"
    assert outputs(report.output)["c3"] == "bad"


def test_a_live_value_is_shared_in_one_kernel(service, page, outputs, tmp_path):
    path = page(
        ("numbers = (i * i for i in range(5))", "task:make"),
        ("print(next(numbers))", "task:one"),
        ("print(next(numbers), next(numbers))", "task:two"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert outputs(report.output) == {"c0": "", "c1": "0", "c2": "1 4"}


def test_a_group_member_that_is_tried_again_finds_what_the_earlier_ones_made(
    service, page, outputs, tmp_path
):
    flag = tmp_path / "flag"
    path = page(
        ("numbers = (i * i for i in range(5))\nprint('made')", "task:make"),
        (
            (
                f"import pathlib\nprint(next(numbers))\nflag = pathlib.Path({str(flag)!r})\n"
                "if not flag.exists():\n    flag.touch()\n    raise OSError('once')"
            ),
            {"retries": 1, "retry_delay": 0},
            "task:use",
        ),
        ("print(next(numbers))", "task:last"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert {t.name: t.attempts for t in report.tasks} == {"make": 1, "use": 2, "last": 1}
    assert outputs(report.output) == {"c0": "made", "c1": "0", "c2": "1"}


@pytest.mark.fault(40)
def test_a_value_found_unstorable_at_run_time_keeps_its_kernel_for_its_readers(
    service, page, outputs, tmp_path
):
    path = page(
        ("import threading\nbox = [getattr(threading, 'Lo' + 'ck')()]\nprint('made')", "task:make"),
        ("print(box[0].locked())", "task:look"),
        ("box[0].acquire()\nprint(box[0].locked())", "task:take"),
        ("print('apart')", "task:apart"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert outputs(report.output) == {"c0": "made", "c1": "False", "c2": "True", "c3": "apart"}


def test_a_selected_task_takes_its_inputs_from_the_last_run(service, page, outputs, tmp_path):
    path = page(
        ("x = 7", "task:make"),
        ("print(x + 1)", "task:use"),
    )
    with pytest.raises(NotFoundError) as caught:
        service.run(path, select="use")
    assert "+use" in caught.value.hint
    assert service.run(path).is_success
    report = service.run(path, select="use", output=tmp_path / "out.ipynb")
    assert states(report) == {"use": "success"}
    assert outputs(report.output) == {"c0": "", "c1": "8"}


def test_bad_parameters_errors_and_selectors_are_refused_before_anything_runs(service, page):
    path = page(("n = 3", "parameters"), ("print(n)", "task:t"))
    with pytest.raises(ParameterError):
        service.run(path, {"n": "many"})
    with pytest.raises(ParameterError):
        service.run(path, {"m": 3})
    with pytest.raises(NotFoundError):
        service.run(path, select="nosuch")
    broken = page(("print(nowhere)", "task:t"), name="broken")
    with pytest.raises(CompileError) as caught:
        service.run(broken)
    assert caught.value.diagnostics


def test_setting_the_event_cancels_the_run_and_leaves_the_rest_not_run(service, page):
    path = page(("import time\ntime.sleep(600)\nx = 1", "task:long"), ("print(x)", "task:after"))
    cancelled = threading.Event()

    def on_event(event):
        if event.status is CellStatus.RUNNING:
            cancelled.set()

    begun = time.monotonic()
    report = service.run(path, on_event=on_event, cancelled=cancelled)
    assert report.state is RunState.CANCELLED
    assert states(report) == {"long": "cancelled", "after": "cancelled"}
    assert time.monotonic() - begun < 30


def test_whole_notebooks_are_tasks_of_one_dag(service, page, outputs, tmp_path):
    one = {"dag": "pair", "name": "make", "outputs": ["x"]}
    two = {"dag": "pair", "name": "use", "inputs": ["x"], "after": ["make"]}
    page("x = 5", "print('made')", name="a_make", task=one)
    page(("k = 2", "parameters"), "print(x * k)", name="b_use", task=two)
    report = service.run(tmp_path, {"k": "3"}, output=tmp_path / "out")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert "15" in outputs(report.output).values()
