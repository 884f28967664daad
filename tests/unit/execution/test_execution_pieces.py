"""The pure pieces of the room: pipe codec, notebook file, output budget, attempt log, error lines."""

import json
import resource
import threading
from datetime import UTC, datetime

import nbformat
import pytest

from nbflow.execution.attempt_log import AttemptLog
from nbflow.execution.codec import decode, dumps
from nbflow.execution.kernel_runtime import read_metrics, read_warned, result_path
from nbflow.execution.notebook_file import NO_SPACE, notebook_text, write_notebook
from nbflow.execution.outputs import OutputBudget
from nbflow.execution.runtime_steps import for_runtime
from nbflow.model.attempt import (
    AttemptResult,
    AttemptSpec,
    CellOutcome,
    CellToRun,
    ErrorInfo,
    Limits,
    Load,
    ReplayStep,
    StoredValue,
)
from nbflow.model.states import CellStatus, Reason, TaskState


def a_value(name="x"):
    return StoredValue(name=name, bundle="ab" * 32, key=name, size=3, preview="1")


def a_spec(**options):
    given = {
        "run_id": "r",
        "task": "적재",
        "try_no": 2,
        "token": 7,
        "kernel": "python3",
        "language": "python",
        "cwd": "/",
        "workdir": "/w",
        "values": "/v",
    }
    return AttemptSpec(**(given | options))


def a_notebook(*outputs):
    cells = [
        nbformat.v4.new_markdown_cell("# 제목\n\ntext", attachments={"a": {"text/plain": "x\ny"}}),
        nbformat.v4.new_code_cell("a\nb", outputs=list(outputs), execution_count=3),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={"z": 1, "signature": "s"})


def test_a_spec_comes_back_from_the_pipe_as_it_was():
    spec = a_spec(
        replays=(ReplayStep(cell="s", first_line=3, source="x", loads=(Load(name="x", value=a_value()),)),),
        lazy={"f": ReplayStep(cell="s", first_line=1, source="def f(): pass")},
        cells=(CellToRun(cell="c", document={"source": "\ud800é", "metadata": {}}, prompt=4),),
        foreach=("i", "items"),
        item=2,
        limits=Limits(timeout=1.5, memory=10),
        context={"ds": "2026-01-01", "n": None},
        group="g",
    )  # fmt: skip
    assert decode(AttemptSpec, json.loads(dumps(spec))) == spec


def test_a_result_comes_back_from_the_pipe_as_it_was():
    result = AttemptResult(
        state=TaskState.FAILED,
        reason=Reason.ERROR,
        message="E: x",
        cells=(CellOutcome(cell="c", status=CellStatus.FAILED, started=1.0, ended=2.0),),
        error=ErrorInfo(name="E", message="x", traceback=("a", "b"), cell="c", line=2),
        values=(a_value(),),
        unstorable={"g": "generator"},
        peak_memory=5,
    )
    assert decode(AttemptResult, json.loads(dumps(result))) == result


@pytest.mark.parametrize(
    "outputs",
    [
        (),
        (nbformat.v4.new_output("stream", name="stdout", text="a\r\nb\n\x0c€"),),
        (
            nbformat.v4.new_output(
                "display_data",
                data={"image/svg+xml": "<a>\n</a>", "image/png": "AA\n", "application/json": {"k": [1]}},
            ),
            nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["x\ny"]),
        ),
    ],
)  # fmt: skip
def test_the_file_is_byte_for_byte_what_nbformat_writes(outputs):
    notebook = a_notebook(*outputs)
    assert "".join(notebook_text(notebook)) == nbformat.writes(notebook)


def test_a_notebook_without_cells_is_written_like_nbformat_does():
    notebook = nbformat.v4.new_notebook()
    assert json.loads("".join(notebook_text(notebook))) == json.loads(nbformat.writes(notebook))


def test_a_reader_never_sees_half_a_notebook(tmp_path):
    path = tmp_path / "out.ipynb"
    notebook = a_notebook(nbformat.v4.new_output("stream", name="stdout", text="line\n" * 50_000))
    write_notebook(notebook, path)
    done = threading.Event()
    broken = []

    def read():
        while not done.is_set():
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError as problem:
                broken.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(15):
        write_notebook(notebook, path)
    done.set()
    reader.join()
    assert not broken
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_the_previous_notebook_and_no_temporary_file(tmp_path):
    path = tmp_path / "out.ipynb"
    write_notebook(a_notebook(), path)
    before = path.read_bytes()
    large = a_notebook(nbformat.v4.new_output("stream", name="stdout", text="x" * 200_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError) as problem:
            write_notebook(large, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert problem.value.errno in NO_SPACE
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.ipynb"]


def test_text_is_cut_at_the_limit_without_breaking_a_character():
    budget = OutputBudget(per_cell=5, per_notebook=100, total=1000)
    assert budget.admit_text("한글") == "한"
    assert (budget.kept, budget.dropped_in_cell, budget.arrived) == (3, 3, 6)
    assert budget.notice() == "\n… truncated 0.1 MB\n"


@pytest.mark.fault(35)
def test_the_log_keeps_its_newest_half_and_stays_within_its_limit(tmp_path):
    log = AttemptLog(tmp_path, 1000, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for number in range(400):
        log.write(f"line {number}\n")
    log.say("the end")
    log.close()
    log.write("ignored")
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) <= 1000
    text = (tmp_path / "attempt.log").read_text()
    assert text.endswith("line 399\n[nbflow 2026-01-01T00:00:00.000Z] the end\n")


def test_a_step_that_shows_becomes_two_silent_ones_around_its_cell():
    load = Load(name="x", value=a_value())
    steps = (
        ReplayStep(cell="a", first_line=1, source="1", unit="u1"),
        ReplayStep(cell="b", first_line=1, source="print(x)", loads=(load,), show=True, unit="u2"),
    )
    first, bind, note = for_runtime(a_spec(replays=steps)).replays
    assert first.source == "1"
    assert (bind.source, bind.loads, bind.unit) == ("", (load,), "")
    assert (note.source, note.loads, note.unit) == ("", (), "u2")


def test_of_what_a_kernel_left_only_what_makes_sense_is_taken(tmp_path):
    metrics = {"loss": 0.5, "count": 3, "huge": 10**400, "yes": True, "text": "a", "": 1}
    result_path(tmp_path, "metrics").write_text(json.dumps({"metrics": metrics}))
    assert read_metrics(tmp_path) == {"loss": 0.5, "count": 3.0}
    events = [["place", "text"], None, "x", [1], ["a"], 5, [["k"], "t"]]
    result_path(tmp_path, "warned").write_text(json.dumps({"cells": {"3": events}}))
    assert read_warned(tmp_path) == {3: [("place", "text"), None]}
    for damaged in ("", "[" * 100_000, '{"cells": {"x": []}}', '{"cells": 1}', "{}"):
        result_path(tmp_path, "warned").write_text(damaged)
        assert read_warned(tmp_path) == {}
