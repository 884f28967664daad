"""A task of a run, opened in a kernel with its inputs loaded: real kernels, nothing run again."""

from pathlib import Path

import pytest
from waiting import until

import nbflow
from nbflow.errors import ExecutionError, NotFoundError
from nbflow.execution.processes import is_alive
from nbflow.service.clear import ClearOptions, clear_and_run
from nbflow.service.opening import open_task

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

COUNTS = "from pathlib import Path\nwith open('ran', 'a') as log:\n    log.write('{}\\n')\n"
SETUP = ("def twice(n):\n    return 2 * n", "setup")


def counted(name, code):
    """Return a task's cell that leaves a line each time it runs."""
    return (COUNTS.format(name) + code, f"task:{name}")


@pytest.fixture
def ran(tmp_path):
    """Return a function that tells which tasks have run, in order."""
    return lambda: (tmp_path / "ran").read_text().split()


def say(kernel, code, *, numbered=False):
    """Run code in the kernel; return what it printed, and the name of what it raised; its number,
    too, if ``numbered``.
    """
    client = kernel.client()
    told = []

    def hear(message):
        content = message["content"]
        if message["msg_type"] == "execute_input" and numbered:
            told.append(f"[{content['execution_count']}]")
        elif message["msg_type"] == "stream":
            told.append(content["text"].strip())
        elif message["msg_type"] == "error":
            told.append(content["ename"])

    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(code, timeout=60, output_hook=hear)
    finally:
        client.stop_channels()
    return "\n".join(told)


def test_inputs_are_there_setup_is_replayed_and_nothing_else_has_run(service, page, ran, tmp_path):
    path = page(
        SETUP,
        counted("load", "x = twice(21)\nunused = 1"),
        counted("train", "y = x + twice(1)\nraise ValueError(y)"),
    )
    report = service.run(path)
    before = ran()
    opening = open_task(service, report.run_id, "TRAIN")
    assert (opening.task, opening.error["name"], opening.error["cell"]) == (
        "train", "ValueError", "c2",
    )  # fmt: skip
    with opening.start() as kernel:
        assert kernel.names == ("x",)
        assert ran() == before == ["load", "train"]
        # The first cell has the number that it has on the page.
        first = say(kernel, "print(x, twice(2), 'y' in dir(), 'unused' in dir())", numbered=True)
        assert first == "[3]\n42 4 False False"
        assert say(kernel, "print(__import__('os').getcwd())") == str(tmp_path)
        assert say(kernel, "raise ValueError(x + twice(1))") == "ValueError"
    assert not kernel.is_alive


def test_what_a_person_does_in_the_kernel_changes_nothing_that_is_stored(service, page):
    path = page(("x = [1, 2]", "task:load"), ("assert x == [1, 2, 3]", "task:train"))
    report = service.run(path)
    with open_task(service, report.run_id, "train").start() as kernel:
        assert say(kernel, "x.append(3)\nprint(x)") == "[1, 2, 3]"
    with open_task(service, report.run_id, "train").start() as kernel:
        assert say(kernel, "print(x)") == "[1, 2]"


def test_the_item_that_failed_is_the_one_that_is_opened(service, page):
    path = page(
        ("names = ['a', 'b', 'c']", "task:list"),
        ("if name == 'b':\n    raise ValueError(name)", {"foreach": "name in names"}, "task:each"),
    )
    report = service.run(path)
    with open_task(service, report.run_id, "each").start() as kernel:
        assert say(kernel, "print(name, names)") == "b ['a', 'b', 'c']"
    with open_task(service, report.run_id, "each", item=3).start() as kernel:
        assert say(kernel, "print(name)") == "c"
    with pytest.raises(ExecutionError, match="has 3 items here, no item 4") as caught:
        open_task(service, report.run_id, "each", item=4).start()
    assert caught.value.code == "NBF522"


def test_the_list_that_mapped_tasks_left_is_loaded(service, page):
    path = page(
        ("names = [1, 2, 3]", "task:list"),
        ("square = n * n", {"foreach": "n in names"}, "task:each"),
        ("assert not square", "task:join"),
    )
    report = service.run(path)
    with open_task(service, report.run_id, "join").start() as kernel:
        assert say(kernel, "print(square)") == "[1, 4, 9]"


def test_what_no_disk_can_hold_is_made_again_in_the_opened_kernel(service, page, ran):
    path = page(
        counted("load", "numbers = (n for n in [1, 2, 3])"),
        counted("use", "assert sum(numbers) == 0"),
    )
    report = service.run(path)
    opening = open_task(service, report.run_id, "use")
    assert opening.again == ("load",)
    with opening.start() as kernel:
        assert say(kernel, "print(sum(numbers))") == "6"


def test_a_task_whose_inputs_nobody_stored_names_the_task_to_open(service, page):
    path = page(
        ("import os\nif os.sep:\n    raise ValueError\nx = 1", "task:load"),
        ("y = x", "task:train"),
        ("y", "task:report"),
    )
    report = service.run(path)
    with pytest.raises(NotFoundError, match="reads x, which load has not stored") as caught:
        open_task(service, report.run_id, "train")
    assert caught.value.code == "NBF521"
    assert "load is failed" in str(caught.value.hint)
    with pytest.raises(NotFoundError, match="no task 'nope'"):
        open_task(service, report.run_id, "nope")


def test_a_setup_cell_that_fails_now_is_told_with_its_place(service, page, tmp_path):
    (tmp_path / "there").write_text("1")
    path = page(("key = open('there').read()", "setup"), ("key + 1", "task:a"))
    report = service.run(path)
    (tmp_path / "there").unlink()
    with pytest.raises(ExecutionError, match="line 1 of cell c0 failed") as caught:
        open_task(service, report.run_id, "a").start()
    assert caught.value.code == "NBF522"
    assert "FileNotFoundError" in caught.value.hint


def test_a_part_of_a_dag_is_opened_with_the_values_that_it_had(service, page):
    path = page(("x = 'first'", "task:load"), ("raise ValueError(x)", "task:train"))
    service.run(path)
    report = service.run(path, select="train")
    with open_task(service, report.run_id, "train").start() as kernel:
        assert say(kernel, "print(x)") == "first"


def test_a_closed_kernel_takes_along_what_was_started_in_it(service, page):
    report = service.run(page(("x = 1", "task:a")))
    with open_task(service, report.run_id, "a").start() as kernel:
        child = int(
            say(
                kernel,
                "import subprocess\nprint(subprocess.Popen(['sleep', '300'],"
                " start_new_session=True).pid)",
            )
        )
        file = kernel.connection_file
        assert is_alive(child)
    until(lambda: not is_alive(child))
    assert not Path(file).exists()
    assert not is_alive(kernel.pid)


def test_python_opens_a_task_of_a_report_or_of_the_newest_run(page, home, monkeypatch):
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    dag = nbflow.load(page(("x = 1", "task:load"), ("raise ValueError(x)", "task:train")))
    with pytest.raises(NotFoundError, match="no runs yet"):
        dag.open("train")
    report = dag.run()
    with dag.open("train", run=report) as kernel:
        assert say(kernel, "print(x)") == "1"
    with dag.open("train") as kernel:
        assert kernel.names == ("x",)


def test_a_cleared_run_is_opened_with_what_it_stored_last(service, page, tmp_path):
    path = page(
        ("import pathlib\nx = len(list(pathlib.Path().glob('mark-*')))", "task:load"),
        ("raise ValueError(x)", "task:train"),
    )
    report = service.run(path)
    (tmp_path / "mark-1").touch()
    clear_and_run(service, report.run_id, ClearOptions(every=True))
    with open_task(service, report.run_id, "train").start() as kernel:
        assert say(kernel, "print(x)") == "1"
