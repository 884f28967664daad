"""Figures that tasks record of themselves, with real kernels."""

import subprocess
import sys

import pytest

import nbflow
from nbflow.errors import UsageError
from nbflow.metastore import check
from nbflow.model.states import RunState
from nbflow.service.metrics import compared, metrics_by_task


def test_what_a_task_records_is_stored_with_its_attempt_and_compared(service, page):
    path = page(
        ("quality = 0.91", "parameters"),
        ("import nbflow\nrows = 12\nnbflow.metric('rows', rows)", "task:load"),
        (
            (
                "import numpy as np\nnbflow.metric('accuracy', 0.1)\n"
                "nbflow.metric('accuracy', np.float64(quality))\nnbflow.metric('행', rows)"
            ),
            "task:train",
        ),
    )
    first = service.run(path)
    assert first.state is RunState.SUCCESS
    assert metrics_by_task(service, first.run_id) == {
        "load": {"rows": 12.0},
        "train": {"accuracy": 0.91, "행": 12.0},
    }
    second = service.run(path, {"quality": 0.94})
    pairs = {(p.task, p.name): p for p in compared(service, first.run_id, second.run_id)}
    changed = pairs["train", "accuracy"]
    assert (changed.first, changed.second, round(changed.change, 9)) == (0.91, 0.94, 0.03)
    assert check(service.settings.database_url) == []


def test_a_failed_attempt_leaves_what_it_recorded_and_the_next_one_replaces_it(
    service, page, tmp_path
):
    flag = tmp_path / "second_time"
    path = page(
        (
            (
                "import nbflow, pathlib\n"
                f"flag = pathlib.Path({str(flag)!r})\n"
                "if not flag.exists():\n"
                "    flag.touch(); nbflow.metric('only_first', 1); nbflow.metric('loss', 9.5)\n"
                "    raise ValueError('too bad')\n"
                "nbflow.metric('loss', 0.5)"
            ),
            {"retries": 1, "retry_delay": 0},
            "task:train",
        ),
    )
    report = service.run(path)
    assert (report.state, report.tasks[0].attempts) == (RunState.SUCCESS, 2)
    assert metrics_by_task(service, "last") == {"train": {"loss": 0.5}}
    page(("import nbflow\nnbflow.metric('loss', 7)\n1 / 0", "task:train"))
    assert service.run(path).state is RunState.FAILED
    assert metrics_by_task(service, "last") == {"train": {"loss": 7.0}}


def test_code_that_is_run_again_for_another_task_records_nothing_there(service, page):
    path = page(
        ("import nbflow\ndef tell(x):\n    nbflow.metric('x', x)\nnbflow.metric('set_up', 1)", "setup"),
        ("gen = (n for n in range(5))\ntell(next(gen))", "task:first"),
        ("tell(next(gen))", "task:second"),
    )  # fmt: skip
    service.run(path)
    assert metrics_by_task(service, "last") == {
        "first": {"set_up": 1.0, "x": 0.0},
        "second": {"x": 1.0},
    }


def test_each_item_of_a_mapped_task_has_its_own(service, page):
    path = page(
        ("import nbflow\nnbflow.metric('size', n)", {"foreach": "n in [3, 5]"}, "task:each"),
    )
    service.run(path)
    assert metrics_by_task(service, "last") == {"each": {"size[0]": 3.0, "size[1]": 5.0}}


def test_outside_a_run_nothing_happens_and_nothing_is_loaded() -> None:
    program = (
        "import sys, nbflow; assert nbflow.metric('accuracy', 0.9) is None\n"
        "assert not {'sqlalchemy', 'nbformat', 'papermill', 'IPython'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("", 1), (3, 1), ("a\nb", 1), ("x" * 101, 1), ("a", float("nan")), ("a", "0.9"), ("a", None),
     ("a", [1, 2]), ("a", 10**400)],
)  # fmt: skip
def test_what_is_no_name_or_no_number_is_refused_at_once(name, value) -> None:
    with pytest.raises(UsageError) as caught:
        nbflow.metric(name, value)
    assert caught.value.code == "NBF405"
