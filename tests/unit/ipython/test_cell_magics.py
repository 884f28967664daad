import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.extension_manager.load_extension("nbflow")
    yield shell
    shell.extension_manager.unload_extension("nbflow")
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, source: str) -> tuple[Any, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        result = shell.run_cell(source)
    return result, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    "line", ["%%task load", "%%task load --after a --retries 2", "%%setup", "%%skip", "%%TASK x"]
)
def test_a_marked_cell_runs_as_usual(shell: InteractiveShell, line: str) -> None:
    result, _, err = run(shell, f"{line}\nx = 20\nx + 1")
    assert result.success
    assert result.result == 21
    assert shell.user_ns["x"] == 20
    assert "nbflow" not in err or line == "%%TASK x"


def test_an_error_keeps_its_line_number_and_fails_the_cell(shell: InteractiveShell) -> None:
    result, out, _ = run(shell, "%%task load\nx = 1\n1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "line 3" in out or "----> 3" in out


def test_another_cell_magic_may_follow(shell: InteractiveShell) -> None:
    result, out, _ = run(shell, "%%task load\n%%capture seen\nprint('hi')")
    assert result.success
    assert out == ""
    assert shell.user_ns["seen"].stdout == "hi\n"


def test_await_works_in_a_marked_cell(shell: InteractiveShell) -> None:
    result, _, _ = run(shell, "%%task load\nimport asyncio\nawait asyncio.sleep(0, 7)")
    assert result.result == 7


def test_a_bad_option_is_one_line_and_no_error(shell: InteractiveShell) -> None:
    result, _, err = run(shell, "%%task load --no-such-thing 3\nx = 5")
    assert result.success
    assert shell.user_ns["x"] == 5
    assert err.startswith("nbflow: ")
    assert err.count("\n") == 1


def test_an_empty_marked_cell_is_fine(shell: InteractiveShell) -> None:
    assert run(shell, "%%skip")[0].success


def test_loading_twice_marks_a_cell_once(shell: InteractiveShell) -> None:
    shell.extension_manager.reload_extension("nbflow")
    names = [
        t.__name__
        for t in shell.input_transformer_manager.cleanup_transforms
        if hasattr(t, "__name__")
    ]
    assert names.count("without_line") == 1


def test_unloading_takes_everything_back(shell: InteractiveShell) -> None:
    shell.extension_manager.unload_extension("nbflow")
    assert "dag" not in shell.magics_manager.magics["line"]
    assert "task" not in shell.magics_manager.magics["cell"]
    shell.extension_manager.load_extension("nbflow")
