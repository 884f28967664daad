"""Tasks that run once per item: side by side, in order, and with an end for every case."""

import socket
import threading

import pytest

from nbflow.metastore import check
from nbflow.model.states import Reason, RunState, TaskState
from nbflow.service.events import RunEventKind

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


def test_items_run_side_by_side_each_of_them_once(service, page, outputs, tmp_path, home):
    with socket.create_server(("127.0.0.1", 0)) as meeting:
        meet = f"socket.create_connection(('127.0.0.1', {meeting.getsockname()[1]}), 60).recv(1)"
        path = page(
            ("import socket", "setup"),
            # A set of strings stands in another order in every kernel.
            ("sizes = {'a', 'bb', 'ccc', 'dddd'}", "task:sizes"),
            (
                f"if len(size) < 3:\n    {meet}\ntwice = size * 2",
                {"foreach": "size in sizes"},
                "task:double",
            ),
            ("print(sorted(twice))", "task:tell"),
        )
        threading.Thread(target=_let_pairs_go, args=(meeting,), daemon=True).start()
        events = []
        report = service.run(path, output=tmp_path / "out.ipynb", on_event=events.append)
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert outputs(report.output)["c3"] == "['aa', 'bbbb', 'cccccc', 'dddddddd']"
    steps = [(e.done, e.total) for e in events if e.kind is RunEventKind.ITEMS]
    assert steps == [(n, 4) for n in range(5)]
    assert report.tasks[1].note == "4 items ran"
    (attempt,) = service.store.attempts(report.run_id, "double")
    assert attempt.result["foreach_count"] == 4
    assert check(service.settings.database_url) == []


def _let_pairs_go(meeting):
    """Let nobody go before two have come: one after the other would wait in vain."""
    both = [meeting.accept()[0] for _ in range(2)]
    for one in both:
        one.sendall(b"!")
        one.close()


def test_an_item_that_fails_is_named_and_a_retry_runs_all_items_again(
    service, page, outputs, tmp_path
):
    flag = tmp_path / "flag"
    source = (
        f"import pathlib\nflag = pathlib.Path({str(flag)!r})\n"
        "if n == 2 and not flag.exists():\n    flag.touch()\n    raise ValueError('not two')\n"
        "m = n * 10"
    )
    options = {"foreach": "n in ns", "retries": 1, "retry_delay": 0}
    path = page(
        ("ns = [1, 2, 3]", "task:list"), (source, options, "task:each"), ("print(m)", "task:tell")
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert outputs(report.output)["c2"] == "[10, 20, 30]"
    first, second = service.store.attempts(report.run_id, "each")
    assert first.message == "item 2 of 3 (2): ValueError: not two"
    assert (first.outcome, second.outcome) == ("failed", "success")


def test_the_executed_notebook_of_a_failed_mapped_task_is_that_of_the_item_that_failed(
    service, page
):
    path = page(
        ("ns = ['x', 'y']", "task:list"),
        ("print('item', n)\nassert n != 'y'", {"foreach": "n in ns"}, "task:each"),
        ("print('never')", "task:after", "after:each"),
    )
    report = service.run(path)
    assert report.state is RunState.FAILED
    (each,) = report.failed
    assert each.note == 'item 2 of 2 ("y"): AssertionError'
    assert "item y" in each.notebook.read_text(encoding="utf-8")
    assert report.tasks[2].state is TaskState.UPSTREAM_FAILED


def test_no_items_skip_the_task_and_what_follows_by_its_rule(service, page, outputs, tmp_path):
    path = page(
        ("ns = []", "task:list"),
        ("m = n", {"foreach": "n in ns"}, "task:each"),
        ("print('after')", "task:after", "after:each"),
        ("print('anyway')", {"trigger_rule": "none_failed"}, "task:anyway", "after:each"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success
    assert [t.state.value for t in report.tasks] == ["success", "skipped", "skipped", "success"]
    assert report.tasks[1].note == "its foreach has no items"
    assert report.tasks[1].reason is Reason.CONDITION


@pytest.mark.fault(40)
def test_a_value_of_an_item_that_cannot_be_stored_fails_the_task_in_words(service, page):
    path = page(
        ("import threading", "setup"),
        ("ns = [1, 2]", "task:list"),
        ("box = [getattr(threading, 'Lo' + 'ck')(), n]", {"foreach": "n in ns"}, "task:each"),
        ("print(box)", "task:tell"),
    )
    report = service.run(path)
    (each,) = report.failed
    assert each.reason is Reason.UNSTORABLE
    assert each.note.startswith("item ")
    assert "output 'box' can't be stored" in each.note


def test_items_are_cancelled_together_and_those_that_wait_never_start(service, page, tmp_path):
    path = page(
        (
            f"open(f'{tmp_path}/item-{{n}}', 'w').close()\nimport time\ntime.sleep(600)",
            {"foreach": "n in range(5)"},
            "task:each",
        ),
    )
    cancelled = threading.Event()

    def on_event(event):
        if event.kind is RunEventKind.ITEMS:
            cancelled.set()

    report = service.run(path, on_event=on_event, cancelled=cancelled)
    assert report.state is RunState.CANCELLED
    assert [t.state for t in report.tasks] == [TaskState.CANCELLED]
    assert len(list(tmp_path.glob("item-*"))) <= 2


def test_items_in_a_live_kernel_follow_each_other(service, page, outputs, tmp_path):
    path = page(
        ("numbers = (i * i for i in range(9))", "task:make"),
        ("got = (n, next(numbers))", {"foreach": "n in 'ab'"}, "task:each"),
        ("print(got, next(numbers))", "task:tell"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert outputs(report.output)["c2"] == "[('a', 0), ('b', 1)] 4"
